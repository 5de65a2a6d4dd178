"""The line of drawn work: claimed under a lease, fenced by its attempt, given back when it is lost.

The table of transitions is in models/drawn.py; each one is a conditional UPDATE of one row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from training.jobs.models.drawn import DrawnWork, GridState
from training.jobs.models.worker_node import WorkerNode
from training.jobs.services.lifecycle import Failure, wake_workers
from training.jobs.services.transitions import LeaseLost, lease_end, must

Work = TypeVar("Work", bound=DrawnWork)
LOST = Failure("worker_lost", "The worker that drew this grid gave no sign of life.")
TRIED_AT_ONCE = 8


@dataclass(frozen=True)
class DrawingLine(Generic[Work]):
    """The line of one kind of drawn work."""

    model: type[Work]

    def waiting(self) -> QuerySet[Work]:
        """What nobody draws yet."""
        return self._rows().filter(state=GridState.QUEUED)

    def claim(self, ordered: QuerySet[Work], worker: WorkerNode) -> UUID | None:
        """Take the first free one of the waiting ones in this order; None when there is none.

        Workers never wait for each other: a row that another one looks at is passed over.
        """
        with transaction.atomic():
            ids = list(ordered.values_list("pk", flat=True)[:TRIED_AT_ONCE])
            line = self.waiting().select_for_update(skip_locked=True, of=("self",))
            free = set(line.filter(pk__in=ids).values_list("pk", flat=True))
            chosen = next((pk for pk in ids if pk in free), None)
            if chosen is not None:
                self._rows().filter(pk=chosen).update(
                    state=GridState.RUNNING,
                    worker=worker,
                    attempt=F("attempt") + 1,
                    fruitless_attempts=F("fruitless_attempts") + 1,
                    lease_until=lease_end(settings.JOB_LEASE_SECONDS),
                )
        return chosen

    def renew(self, pk: UUID, attempt: int) -> None:
        """A sign of life. Raises LeaseLost when it is not this attempt's, or not wanted, now."""
        if self._held(pk, attempt).update(lease_until=lease_end(settings.JOB_LEASE_SECONDS)) != 1:
            raise LeaseLost

    def note_picture(self, pk: UUID, attempt: int) -> None:
        """An attempt that made a picture was not in vain; needs the caller's transaction."""
        if self._held(pk, attempt).update(fruitless_attempts=0) != 1:
            raise LeaseLost

    def finish(self, pk: UUID, attempt: int) -> None:
        """Every picture is there: RUNNING → DONE. Raises LeaseLost."""
        self._leave(pk, attempt, GridState.DONE, finished_at=Now())

    def fail(self, pk: UUID, attempt: int, failure: Failure) -> None:
        """It cannot be drawn: RUNNING → FAILED. Raises LeaseLost."""
        self._leave(pk, attempt, GridState.FAILED, finished_at=Now(), **_error(failure))

    def give_back(self, pk: UUID, attempt: int, failure: Failure | None = None) -> None:
        """Back in line, for a worker that leaves; within the cap where something went wrong."""
        row = self._rows().filter(pk=pk).first()
        if row is None:
            raise LeaseLost
        if failure is not None and row.fruitless_attempts >= settings.JOB_MAX_ATTEMPTS:
            self.fail(pk, attempt, failure)
            return
        self._leave(pk, attempt, GridState.QUEUED, worker=None)
        wake_workers()

    def requeue_lost(self) -> int:
        """Take back what lost its lease, by the database's clock; returns how many."""
        lost = self._rows().filter(state=GridState.RUNNING, lease_until__lt=Now())
        count = 0
        for pk, attempt in lost.values_list("pk", "attempt"):
            try:
                self.give_back(pk, attempt, LOST)
            except LeaseLost:
                continue
            count += 1
        return count

    def cancel(self, row: Work) -> bool:
        """Draw no more; False when it was over already. Needs the caller's transaction."""
        live = self._rows().filter(pk=row.pk, state__in=(GridState.QUEUED, GridState.RUNNING))
        over = {"state": GridState.CANCELED, "lease_until": None, "finished_at": Now()}
        return bool(live.update(**over))

    def retry(self, row: Work) -> None:
        """Draw what is missing. Raises Conflict unless it failed or was canceled."""
        over = self._rows().filter(pk=row.pk, state__in=(GridState.FAILED, GridState.CANCELED))
        afresh = {"fruitless_attempts": 0, "finished_at": None, **_error(None)}
        must(
            over.update(state=GridState.QUEUED, **afresh) == 1,
            _("Only a grid that failed or was canceled can be tried again."),
        )
        wake_workers()

    def _rows(self) -> QuerySet[Work]:
        return self.model._default_manager.all()

    def _held(self, pk: UUID, attempt: int) -> QuerySet[Work]:
        return self._rows().filter(pk=pk, attempt=attempt, state=GridState.RUNNING)

    def _leave(self, pk: UUID, attempt: int, target: GridState, **columns: Any) -> None:
        if self._held(pk, attempt).update(state=target, lease_until=None, **columns) != 1:
            raise LeaseLost


def _error(failure: Failure | None) -> dict[str, Any]:
    return {
        "error_code": failure.code[:60] if failure else "",
        "error_params": failure.params if failure else {},
        "error_message": failure.message if failure else "",
    }
