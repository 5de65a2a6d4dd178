"""The order of the line, and when each job in it may start: pure functions on plain values.

A team with fewer running jobs goes first; among equals the one whose last start lies longest back;
then the same over people within the team; then priority; then age. services/schedule.py says the
same in SQL for the one job that a worker takes; a test holds the two together.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

NEVER = float("-inf")


@dataclass(frozen=True)
class Waiting:
    """A job in line; `seconds` is its expected run time, None where nothing is known."""

    id: UUID
    team_id: int
    owner_id: int
    priority: int
    queued_at: datetime
    min_memory_bytes: int = 0
    device_wish: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Slot:
    """A worker; `free_in` is the expected time until it takes a job, in seconds."""

    device: str
    memory_bytes: int
    free_in: float = 0.0

    def fits(self, job: Waiting) -> bool:
        """Whether the worker may take the job."""
        wished = not job.device_wish or job.device_wish == self.device
        return wished and job.min_memory_bytes <= self.memory_bytes


@dataclass
class Usage:
    """How many jobs teams and people have running, and when they last had one started."""

    team_running: dict[int, int] = field(default_factory=dict)
    owner_running: dict[int, int] = field(default_factory=dict)
    team_claimed: dict[int, float] = field(default_factory=dict)
    owner_claimed: dict[int, float] = field(default_factory=dict)

    def copy(self) -> Usage:
        """A copy that a simulation may change."""
        return Usage(
            dict(self.team_running),
            dict(self.owner_running),
            dict(self.team_claimed),
            dict(self.owner_claimed),
        )

    def note_start(self, job: Waiting, at: float) -> None:
        """Count a start at an instant, in seconds on any one scale."""
        self.team_running[job.team_id] = self.team_running.get(job.team_id, 0) + 1
        self.owner_running[job.owner_id] = self.owner_running.get(job.owner_id, 0) + 1
        self.team_claimed[job.team_id] = at
        self.owner_claimed[job.owner_id] = at

    def note_end(self, job: Waiting) -> None:
        """Count an end."""
        self.team_running[job.team_id] -= 1
        self.owner_running[job.owner_id] -= 1

    def rank(self, job: Waiting) -> tuple[object, ...]:
        """The lower, the sooner."""
        return (
            self.team_running.get(job.team_id, 0),
            self.team_claimed.get(job.team_id, NEVER),
            self.owner_running.get(job.owner_id, 0),
            self.owner_claimed.get(job.owner_id, NEVER),
            -job.priority,
            job.queued_at,
            job.id,
        )


@dataclass(frozen=True)
class Forecast:
    """A job's place, counted from 1, and in how many seconds it may start (None: unknown)."""

    place: int
    starts_in: float | None


def next_for(slot: Slot, line: Iterable[Waiting], usage: Usage) -> Waiting | None:
    """The job that this worker takes now."""
    fitting = [job for job in line if slot.fits(job)]
    return min(fitting, key=usage.rank) if fitting else None


def forecast(
    line: Sequence[Waiting],
    slots: Sequence[Slot],
    usage: Usage,
    *,
    now: float,
    default_seconds: float | None = None,
) -> Mapping[UUID, Forecast]:
    """Place and start of every job, by playing the queue forward.

    Jobs that no worker can take come last in the plain order, with an unknown start. After a job of
    unknown length nothing is known of what its worker does next.
    """
    virtual = usage.copy()
    lines = _lines(line)
    result: dict[UUID, Forecast] = {}
    free: list[tuple[float, int, Waiting | None]] = [
        (slot.free_in, number, None) for number, slot in enumerate(slots)
    ]
    heapq.heapify(free)
    is_known = [True] * len(slots)
    while free and len(result) < len(line):
        at, number, ended = heapq.heappop(free)
        if ended is not None:
            virtual.note_end(ended)
        job = next_for(slots[number], _heads(slots[number], lines), virtual)
        if job is None:
            continue
        lines[job.team_id, job.owner_id].remove(job)
        result[job.id] = Forecast(len(result) + 1, at if is_known[number] else None)
        virtual.note_start(job, now + at)
        seconds = job.seconds if job.seconds is not None else default_seconds
        is_known[number] = is_known[number] and seconds is not None
        heapq.heappush(free, (at + (seconds or 0.0), number, job))
    left = [job for waiting in lines.values() for job in waiting]
    for job in sorted(left, key=virtual.rank):
        result[job.id] = Forecast(len(result) + 1, None)
    return result


def _lines(line: Sequence[Waiting]) -> dict[tuple[int, int], list[Waiting]]:
    """Each person's jobs of each team in their order, which no start of another job changes."""
    lines: dict[tuple[int, int], list[Waiting]] = {}
    for job in sorted(line, key=lambda job: (-job.priority, job.queued_at, job.id)):
        lines.setdefault((job.team_id, job.owner_id), []).append(job)
    return lines


def _heads(slot: Slot, lines: Mapping[tuple[int, int], list[Waiting]]) -> Iterator[Waiting]:
    """The first job of each person that the worker may take."""
    for waiting in lines.values():
        head = next((job for job in waiting if slot.fits(job)), None)
        if head is not None:
            yield head
