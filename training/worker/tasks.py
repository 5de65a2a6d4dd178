"""The Celery side of the training worker: one slot, one job at a time, a message is only a wake-up.

Start it with `celery -A hub.celery worker -Q gpu --pool solo`. Torch is never imported here:
training runs in a process of its own (measured: torch used before a fork hangs for ever).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from django.db import DatabaseError, close_old_connections, connection

from hub.core.tasks import TaskName, enqueue_on_commit
from training.jobs.models.worker_node import WorkerNode
from training.worker import comparison_run, grid_run, runner
from training.worker.node import (
    NameLock,
    Presence,
    register,
    take_back_own_jobs,
    worker_name,
)
from training.worker.trainer_process import KEPT

logger = logging.getLogger(__name__)

GPU_QUEUE = "gpu"
COME_UP_SECONDS = 2.0


class Slot:
    """What this process is to the queue; filled when the worker is ready, or at the first task."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.busy = threading.Lock()
        self._opening = threading.Lock()
        self.node: WorkerNode | None = None
        self.name_lock: NameLock | None = None
        self.presence: Presence | None = None

    def open(self, name: str) -> WorkerNode:
        """Register once; jobs that a dead process of this name held go back in line."""
        with self._opening:
            if self.node is None:
                lock = self.name_lock = self.name_lock or NameLock(name)
                own = lock.take()
                node = register(name)
                if own:
                    take_back_own_jobs(node)
                self.presence = Presence(node)
                self.presence.start()
                self.node = node
            return self.node

    def close(self) -> None:
        """Let the name go."""
        KEPT.end()
        if self.presence is not None:
            self.presence.stop()
        if self.name_lock is not None:
            self.name_lock.close()
        self.node = self.name_lock = self.presence = None


SLOT = Slot()
TURNS: tuple[Callable[..., object], ...] = (
    grid_run.run_next_grid,
    comparison_run.run_next_comparison,
    runner.run_next,
)


def _take_turns(node: WorkerNode) -> bool:
    """What somebody waits for at a page, then a run; False when there was nothing to do."""
    found = False
    for run_next in TURNS:
        if SLOT.stopping.is_set():
            return False
        found = run_next(worker=node, stopping=SLOT.stopping) is not None or found
    return found


# No time limits: a run takes as long as it takes, and its lease is what watches over it.
@shared_task(name=str(TaskName.JOBS_RUN_NEXT), bind=True, acks_late=False)
def run_next_job(self: Any, /, **_: object) -> None:
    """Run jobs, and draw a grid between two, until none fits or the worker shuts down."""
    if not SLOT.busy.acquire(blocking=False):
        return
    try:
        node = SLOT.open(worker_name(self.request.hostname or ""))
        while not SLOT.stopping.is_set():
            close_old_connections()
            if not _take_turns(node):
                break
        runner.sweep_old_folders()
    finally:
        SLOT.busy.release()


@worker_ready.connect
def look_for_work(sender: Any = None, **_: object) -> None:
    """A worker that comes up registers and wakes itself: work may have waited for it."""
    if GPU_QUEUE in sender.app.amqp.queues.consume_from:
        name = worker_name(sender.hostname)
        threading.Thread(target=come_up, args=(name,), name="come up", daemon=True).start()


def come_up(name: str) -> None:
    """Register and wake up, as soon as the database answers."""
    while True:
        try:
            SLOT.open(name)
            enqueue_on_commit(TaskName.JOBS_RUN_NEXT)
        except DatabaseError as error:
            logger.warning("The database does not answer yet; it is asked again: %s", error)
        else:
            return
        finally:
            connection.close()
        if SLOT.stopping.wait(COME_UP_SECONDS):
            return


@worker_shutting_down.connect
def leave(**_: object) -> None:
    """The trainer saves its state and the job goes back in line (runs in a signal handler)."""
    SLOT.stopping.set()


@worker_shutdown.connect
def close_slot(**_: object) -> None:
    """Nothing of this process is left in the queue."""
    SLOT.close()
