"""What people ask of a job, and how a worker ends its hold on one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from hub.accounts.models import Team, User
from hub.accounts.queries import works_in
from hub.core import audit
from hub.core.errors import Conflict, NotAllowed
from hub.core.tasks import TaskName, enqueue_on_commit
from training.jobs.failure_words import TOO_MANY_ATTEMPTS
from training.jobs.models.comparison import Comparison
from training.jobs.models.drawn import GridState
from training.jobs.models.grid import PreviewGrid
from training.jobs.models.job import FINAL, LEASED, Command, Job, State
from training.jobs.models.worker_node import WorkerNode
from training.jobs.permissions import require_control
from training.jobs.queries import SEEN_WITHIN
from training.jobs.services.broadcast import tell_queue
from training.jobs.services.events import lock_attempt, lock_job, record_state
from training.jobs.services.transitions import move, must, renew

LOST = "worker_lost"
RESTARTED = "worker_restarted"
DISK_FULL = "disk_full"  # passes only when a person makes room


@dataclass(frozen=True)
class Failure:
    """Why a run could not go on: a stable code with its values, and the worker's own words.

    The sentence that a person reads is made of code and values (failure_words.py), in their
    language; `message` is English.
    """

    code: str
    message: str
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def detail(self) -> dict[str, Any]:
        """What an event says of it."""
        return {"code": self.code, "message": self.message, "params": self.params}


def request_stop(*, actor: User, job: Job) -> Job:
    """Stop and keep: the run ends at its next step with what it has. Conflict unless it runs."""
    return _request(actor, job, Command.STOP)


def request_pause(*, actor: User, job: Job) -> Job:
    """Pause: the run saves its state and leaves the worker. Raises Conflict unless it runs."""
    return _request(actor, job, Command.PAUSE)


def request_cancel(*, actor: User, job: Job) -> Job:
    """Cancel, wherever the job stands; a running one is given time to end. Twice is as once."""
    require_control(actor, job)
    with transaction.atomic():
        job = lock_job(job.pk)
        if job.state in (State.CANCELING, State.CANCELED):
            return job
        must(_cancel_from(job), _("This run is over, so there is nothing to cancel."))
        return _told(job, actor, "job.cancel")


def resume_job(*, actor: User, job: Job) -> Job:
    """Put a paused run back in line; it goes on from its saved state. Raises Conflict otherwise."""
    require_control(actor, job)
    require_membership(actor, job.team)
    with transaction.atomic():
        afresh: dict[str, Any] = {
            "fruitless_attempts": 0,
            "error_code": "",
            "error_params": {},
            "error_message": "",
        }
        moved = move(job.pk, State.PAUSED, State.QUEUED, queued_at=Now(), **afresh)
        must(moved, _("This run is not paused."))
        wake_workers()
        return _told(job, actor, "job.resume")


def retry_job(*, actor: User, job: Job) -> Job:
    """A new job that goes on where a failed or canceled one stopped, with the same settings."""
    require_control(actor, job)
    if job.state not in (State.FAILED, State.CANCELED):
        raise Conflict(_("Only a run that failed or was canceled can be tried again."))
    require_membership(actor, job.team)
    with transaction.atomic():
        check_room(job.team)
        going_on = job.continued_by.exclude(state__in=FINAL).first()
        if going_on is not None:
            raise Conflict(_("Run #%s goes on from this one already.") % going_on.number)
        again = Job.objects.create(
            team=job.team,
            owner=actor,
            name=job.name,
            method=job.method,
            snapshot=job.snapshot,
            base_version=job.base_version,
            base_sha256=job.base_sha256,
            config=job.config,
            preset=job.preset,
            continues=job,
            min_memory_bytes=job.min_memory_bytes,
            estimated_seconds=job.estimated_seconds,
            device_wish=job.device_wish,
            total_steps=job.total_steps,
            total_epochs=job.total_epochs,
            queued_at=timezone.now(),
        )
        wake_workers()
        return _told(again, actor, "job.retry")


def require_membership(actor: User, team: Team) -> None:
    """Raise NotAllowed unless the person may put runs in the team's line."""
    if not works_in(actor, team) and not actor.is_superuser:
        raise NotAllowed(_("Only members of the team can train for it."))


def check_room(team: Team) -> None:
    """Raise Conflict when the team's line is full; takes the team's row until the commit."""
    Team.objects.select_for_update(of=("self",)).get(pk=team.pk)
    waiting = Job.objects.filter(team=team, state=State.QUEUED).count()
    if waiting >= settings.TEAM_MAX_QUEUED_JOBS:
        raise Conflict(
            _("The team has %s runs in line already. Wait for one to start, or cancel one.")
            % waiting
        )


def renew_lease(*, job_id: UUID, attempt: int) -> str:
    """A sign of life of the worker that runs the job; returns what a person asks of it, or "".

    Raises LeaseLost when the job is not this attempt's any more.
    """
    renew(job_id, attempt, lease_seconds=settings.JOB_LEASE_SECONDS)
    return requested_command(job_id=job_id, attempt=attempt)


def requested_command(*, job_id: UUID, attempt: int) -> str:
    """What a person asks of a running job, or ""."""
    found = Job.objects.filter(pk=job_id, attempt=attempt, state__in=LEASED)
    return found.values_list("requested_command", flat=True).first() or ""


def finish(*, job_id: UUID, attempt: int, reason: str) -> Job:
    """The engine finished with a result (`reason` completed or stopped): RUNNING → SUCCEEDED.

    A run that was being canceled at that moment is CANCELED. Raises LeaseLost.
    """
    with transaction.atomic():
        job = lock_attempt(job_id, attempt)
        if job.state == State.CANCELING:
            return _left(job, State.CANCELED)
        return _left(job, State.SUCCEEDED, detail={"reason": reason}, finish_reason=reason)


def fail(*, job_id: UUID, attempt: int, failure: Failure) -> Job:
    """The run cannot go on, now or later: RUNNING → FAILED. Raises LeaseLost."""
    with transaction.atomic():
        job = lock_attempt(job_id, attempt)
        return _fail_locked(job, failure)


def suspend(*, job_id: UUID, attempt: int) -> Job:
    """The trainer saved its state and left: paused, canceled, or back in line when nobody asked.

    Raises LeaseLost.
    """
    with transaction.atomic():
        job = lock_attempt(job_id, attempt)
        if job.state == State.CANCELING:
            return _left(job, State.CANCELED)
        if job.requested_command == Command.PAUSE:
            return _left(job, State.PAUSED)
        return _left(job, State.QUEUED, fruitless_attempts=0)


def give_back(*, job_id: UUID, attempt: int, failure: Failure) -> Job:
    """The attempt ended in a way that may pass, such as a kill: try again, within the cap.

    A full disk pauses the run instead, until a person has made room. Raises LeaseLost.
    """
    with transaction.atomic():
        return _return_locked(lock_attempt(job_id, attempt), failure)


def requeue_lost_jobs() -> list[UUID]:
    """Take back every job whose lease ran out, by the database's clock; returns their ids."""
    seconds = settings.JOB_LEASE_SECONDS
    lost = Job.objects.leased().filter(lease_until__lt=Now())
    words = f"The worker gave no sign of life for {seconds} seconds."
    return _take_back(lost, Failure(LOST, words, {"seconds": seconds}))


def requeue_jobs_of(worker: WorkerNode) -> list[UUID]:
    """Take back the jobs of a worker whose process is known to be dead; returns their ids."""
    held = Job.objects.leased().filter(worker=worker)
    return _take_back(held, Failure(RESTARTED, "The worker was started again."))


def wake_workers() -> None:
    """Say after commit that there may be work."""
    enqueue_on_commit(TaskName.JOBS_RUN_NEXT)


def _take_back(held: QuerySet[Job], failure: Failure) -> list[UUID]:
    """One transaction for each job; rows that somebody works on are left for the next time."""
    taken: list[UUID] = []
    while True:
        with transaction.atomic():
            line = held.select_for_update(skip_locked=True, of=("self",))
            job = line.order_by("lease_until", "id").first()
            if job is None:
                return taken
            _return_locked(job, failure)
            taken.append(job.pk)


def _request(actor: User, job: Job, command: Command) -> Job:
    require_control(actor, job)
    with transaction.atomic():
        asked = Job.objects.filter(pk=job.pk, state=State.RUNNING).update(requested_command=command)
        must(asked == 1, _("This run is not running now."))
        return _told(job, actor, f"job.{command}", detail={"command": str(command)})


def _cancel_from(job: Job) -> bool:
    """QUEUED and PAUSED end at once; RUNNING is asked to."""
    if job.state == State.PAUSED:
        move(job.pk, State.PAUSED, State.QUEUED)
    if job.state in (State.QUEUED, State.PAUSED):
        return move(job.pk, State.QUEUED, State.CANCELED)
    return move(job.pk, State.RUNNING, State.CANCELING, requested_command=Command.CANCEL)


def _told(job: Job, actor: User, action: str, detail: dict[str, Any] | None = None) -> Job:
    current = record_state(job.pk, detail=detail)
    audit.record(actor=actor, action=action, target=current)
    tell_queue(current)
    return current


def _return_locked(job: Job, failure: Failure) -> Job:
    if job.state == State.CANCELING:
        return _left(job, State.CANCELED)
    if job.requested_command == Command.PAUSE:
        return _left(job, State.PAUSED)
    if failure.code == DISK_FULL:
        return _left(job, State.PAUSED, detail=failure.detail, **_error_columns(failure))
    if job.fruitless_attempts >= settings.JOB_MAX_ATTEMPTS:
        count = job.fruitless_attempts
        words = f"{count} attempts in a row made no progress. The last one: {failure.message}"
        params = {"count": count, "reason": failure.detail}
        return _fail_locked(job, Failure(TOO_MANY_ATTEMPTS, words, params))
    return _left(job, State.QUEUED, detail=failure.detail)


def _fail_locked(job: Job, failure: Failure) -> Job:
    if job.state == State.CANCELING:
        return _left(job, State.CANCELED)
    return _left(
        job,
        State.FAILED,
        detail=failure.detail,
        **_error_columns(failure),
    )


def _error_columns(failure: Failure) -> dict[str, Any]:
    return {
        "error_code": failure.code[:60],
        "error_params": failure.params,
        "error_message": failure.message,
    }


def _left(job: Job, target: State, *, detail: dict[str, Any] | None = None, **columns: Any) -> Job:
    """Make the transition of a locked job that a worker held, tell it, wake for what follows."""
    moved = move(job.pk, State(job.state), target, held_attempt=job.attempt, **columns)
    must(moved, _("This run is in another state now."))
    current = record_state(job.pk, detail=detail)
    tell_queue(current)
    if target in FINAL or target in (State.QUEUED, State.PAUSED):
        wake_workers()
    return current


def wake_if_waiting() -> None:
    """Wake the workers when a job waits and a live worker is idle: makes good a lost wake-up.

    Busy workers look for the next job by themselves, so that messages do not pile up for them.
    """
    live = WorkerNode.objects.filter(seen_at__gt=Now() - Value(SEEN_WITHIN))
    idle = live.exclude(jobs__state__in=LEASED)
    for drawn in ("grids", "comparisons"):
        idle = idle.exclude(**{f"{drawn}__state": GridState.RUNNING})
    waiting = (
        Job.objects.waiting(),
        PreviewGrid.objects.filter(state=GridState.QUEUED),
        Comparison.objects.filter(state=GridState.QUEUED),
    )
    if any(line.exists() for line in waiting) and idle.exists():
        wake_workers()
