"""Lists of training runs and the queue's board."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from frontend.contexts.components import Label
from frontend.contexts.run_view import STATE_KINDS, failure_of
from hub.accounts.models import Team, User
from hub.core.pagination import keyset
from hub.storage.pictures import picture_url
from training.jobs.failure_words import FailureText
from training.jobs.models.artifact import JobArtifact
from training.jobs.models.job import Job, State
from training.jobs.permissions import can_order_queue
from training.jobs.queries import QueueBoard, jobs_of, newest_samples

ROWS = 24
SAMPLES, SAMPLE_WIDTH = 4, 96

PRIORITIES = {"high": 10, "normal": 0, "low": -10}


@dataclass(frozen=True, slots=True)
class Moves:
    """How a waiting run can be moved; `line` names the runs among which it moves.

    `up` and `down` are what to send as `before` (a number, "" for the end), None at the ends.
    `priorities` is empty for those who may not give one: value, label, whether it is set.
    """

    line: str
    up: str | None
    down: str | None
    priorities: list[tuple[str, str, bool]]


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run in a list or on the board."""

    job: Job
    url: str
    badge: Label
    place: int | None = None
    starts_at: datetime | None = None
    reason: str = ""
    failure: FailureText | None = None
    samples: tuple[str, ...] = ()
    moves: Moves | None = None


@dataclass(frozen=True, slots=True)
class RunPage:
    """One page of runs."""

    rows: list[RunRow]
    next_url: str


@dataclass(frozen=True, slots=True)
class BoardContext:
    """`/queue/`."""

    running: list[RunRow]
    waiting: list[RunRow]
    done: list[RunRow]
    failed: list[RunRow]
    workers: list[object]
    is_empty: bool
    can_move: bool


def run_rows(viewer: User, team: Team, *, cursor: str | None) -> RunPage:
    """The team's runs, newest first."""
    page = keyset(
        jobs_of(viewer, team=team), order=("-created_at", "-id"), cursor=cursor, limit=ROWS
    )
    url = f"{reverse('runs')}?cursor={page.next_cursor}" if page.next_cursor else ""
    samples = newest_samples(page.items, each=SAMPLES)
    rows = [replace(row_of(job), samples=_addresses(samples.get(job.pk, []))) for job in page.items]
    return RunPage(rows=rows, next_url=url)


def _addresses(samples: Sequence[JobArtifact]) -> tuple[str, ...]:
    return tuple(picture_url(sample.blob, SAMPLE_WIDTH) for sample in samples)


def queue_context(viewer: User, team: Team, board: QueueBoard) -> BoardContext:
    """The board with the place and the reason of each waiting run, and how it can be moved."""
    manages = can_order_queue(viewer, team)
    waiting = []
    for job in board.waiting:
        place = board.places[job.pk]
        row = row_of(job, place.place, place.starts_at, place.reason)
        if manages or job.owner_id == viewer.pk:
            row = replace(row, moves=_moves(job, board.waiting, manages=manages))
        waiting.append(row)
    parts = [board.running, board.waiting, board.done, board.failed]
    return BoardContext(
        running=[row_of(job) for job in board.running],
        waiting=waiting,
        done=[row_of(job) for job in board.done],
        failed=[row_of(job) for job in board.failed],
        workers=list(board.workers),
        is_empty=not any(parts),
        can_move=any(row.moves for row in waiting),
    )


def _moves(job: Job, waiting: Sequence[Job], *, manages: bool) -> Moves:
    """Neighbours of the run among those of its owner, as the line stands now."""
    line = [other for other in waiting if other.owner_id == job.owner_id]
    at = line.index(job)
    after = line[at + 2 : at + 3]
    labels = {"high": _("High"), "normal": _("Normal"), "low": _("Low")}
    level = "high" if job.priority > 0 else "normal" if job.priority > -10 else "low"
    return Moves(
        line=f"{job.team_id}-{job.owner_id}",
        up=str(line[at - 1].number) if at else None,
        down=(str(after[0].number) if after else "") if at + 1 < len(line) else None,
        priorities=[(name, labels[name], name == level) for name in PRIORITIES] if manages else [],
    )


def row_of(
    job: Job, place: int | None = None, starts_at: datetime | None = None, reason: str = ""
) -> RunRow:
    """One run as a row."""
    badge = Label(str(job.get_state_display()), STATE_KINDS[State(job.state)])
    url = reverse("run", args=[job.number])
    return RunRow(job, url, badge, place, starts_at, reason, failure_of(job))
