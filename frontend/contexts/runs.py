"""Lists of training runs and the queue's board."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from frontend.contexts.components import Label
from frontend.contexts.run_view import STATE_KINDS
from hub.accounts.models import Team, User
from hub.core.pagination import keyset
from training.jobs.models.job import Job, State
from training.jobs.queries import QueueBoard, jobs_of

ROWS = 24


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run in a list or on the board."""

    job: Job
    url: str
    badge: Label
    place: int | None = None
    starts_at: datetime | None = None
    reason: str = ""


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


def run_rows(viewer: User, team: Team, *, cursor: str | None) -> RunPage:
    """The team's runs, newest first."""
    page = keyset(
        jobs_of(viewer, team=team), order=("-created_at", "-id"), cursor=cursor, limit=ROWS
    )
    url = f"{reverse('runs')}?cursor={page.next_cursor}" if page.next_cursor else ""
    return RunPage(rows=[row_of(job) for job in page.items], next_url=url)


def queue_context(board: QueueBoard) -> BoardContext:
    """The board with the place and the reason of each waiting run."""
    waiting = []
    for job in board.waiting:
        place = board.places[job.pk]
        waiting.append(row_of(job, place.place, place.starts_at, place.reason))
    parts = [board.running, board.waiting, board.done, board.failed]
    return BoardContext(
        running=[row_of(job) for job in board.running],
        waiting=waiting,
        done=[row_of(job) for job in board.done],
        failed=[row_of(job) for job in board.failed],
        workers=list(board.workers),
        is_empty=not any(parts),
    )


def row_of(
    job: Job, place: int | None = None, starts_at: datetime | None = None, reason: str = ""
) -> RunRow:
    """One run as a row."""
    badge = Label(str(job.get_state_display()), STATE_KINDS[State(job.state)])
    return RunRow(job, reverse("run", args=[job.number]), badge, place, starts_at, reason)
