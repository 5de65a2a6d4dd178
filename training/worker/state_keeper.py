"""Keeping the resumable state where other machines can fetch it."""

from __future__ import annotations

import time

from django.conf import settings

from training.jobs.models.job import Job
from training.jobs.services.artifacts import record_state_file
from training.worker.work_folder import WorkFolder

STORED_EVERY_SECONDS = 600.0


class StateKeeper:
    """Stores the state every ten minutes and when an attempt ends without a result.

    Each stored state stays for the garbage collector's grace period, so more often would be dear.
    With a store on this machine there is nothing to do: the work folder is as safe as the store.
    """

    def __init__(self, job: Job, folder: WorkFolder) -> None:
        self._job = job
        self._path = folder.state
        self._is_elsewhere = not settings.STORAGE_URL.startswith("file:")
        self._stored_at = time.monotonic()
        self._seen = 0.0

    def keep_if_due(self, *, now: float) -> None:
        """Store the state if it is new and the last time was long ago. `now` is monotonic."""
        if now - self._stored_at >= STORED_EVERY_SECONDS:
            self._stored_at = now
            self.keep()

    def keep(self) -> None:
        """Store the state if it is new. Raises LeaseLost."""
        if not self._is_elsewhere or not self._path.exists():
            return
        written = self._path.stat().st_mtime
        if written != self._seen:
            record_state_file(self._job.pk, self._job.attempt, self._path)
            self._seen = written
