"""Holding a lease: a thread that renews it and brings back what people ask of the job."""

from __future__ import annotations

import logging
import threading
import time
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection

from training.jobs.models.worker_node import WorkerNode
from training.jobs.services.lifecycle import renew_lease, requested_command
from training.jobs.services.schedule import note_alive
from training.jobs.services.transitions import LeaseLost

logger = logging.getLogger(__name__)

BEATS_PER_LEASE = 4
LONGEST_PAUSE_SECONDS = 2.0


class Heartbeat:
    """Renews the lease of one attempt until left; `lost` is set when the job is not ours any more.

    Commands are looked for every two seconds, the lease is renewed four times in its length. A
    database that does not answer is asked again for as long as it takes: while it is away nobody
    else can take the job, and where only we are cut off, the attempt's number fences what we write.
    """

    def __init__(self, *, job_id: UUID, attempt: int, worker: WorkerNode) -> None:
        self._job_id = job_id
        self._attempt = attempt
        self._worker = worker
        self._done = threading.Event()
        self._renew_after = float(settings.JOB_LEASE_SECONDS) / BEATS_PER_LEASE
        self._pause = min(LONGEST_PAUSE_SECONDS, self._renew_after / 2)
        self.lost = threading.Event()
        self.command = ""
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread before the job's state changes for good."""
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        held_at = time.monotonic()
        try:
            while not self._done.wait(self._pause):
                asked_at = time.monotonic()
                try:
                    if self._ask(is_due=asked_at - held_at >= self._renew_after):
                        held_at = asked_at
                except LeaseLost:
                    self.lost.set()
                    return
                except DatabaseError as error:
                    logger.warning("The lease could not be renewed: %s", error)
                    connection.close()
        finally:
            connection.close()

    def _ask(self, *, is_due: bool) -> bool:
        """Look for a command and, where due, renew the lease; returns whether it was renewed."""
        if is_due:
            self.command = renew_lease(job_id=self._job_id, attempt=self._attempt)
            note_alive(self._worker)
        else:
            self.command = requested_command(job_id=self._job_id, attempt=self._attempt)
        return is_due
