"""One job from claim to end: stage, train, keep what comes out, say how it ended.

Whatever happens to this process, the job is safe: its rows are written before anything is taken as
done, the engine's folder is valid at every moment, and a lease that ends gives the job back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from hub.storage.blobs import local_path
from training.jobs.models.job import FINAL, Job, State
from training.jobs.models.worker_node import WorkerNode
from training.jobs.services import lifecycle, schedule
from training.jobs.services.artifacts import record_log, record_state_file
from training.jobs.services.lifecycle import Failure
from training.jobs.services.transitions import LeaseLost
from training.worker.control import Control
from training.worker.failures import (
    PermanentFailureError,
    TrainerEnd,
    TransientFailureError,
    error_of,
)
from training.worker.heartbeat import Heartbeat
from training.worker.sink import Sink
from training.worker.staging import Staged, stage
from training.worker.trainer import Trainer, trainer_environment
from training.worker.work_folder import FolderBusyError, FolderLock, WorkFolder, sweep

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2
END_SECONDS = 20.0
STATE_STORED_EVERY_SECONDS = 60.0
FOLDER_KEPT_SECONDS = 7 * 86_400.0  # so long a failed run can be tried again from its state
EXIT_PAUSED = 143
EXIT_CANCELLED = 3


def run_next(*, worker: WorkerNode, stopping: threading.Event) -> Job | None:
    """Claim the next job that fits and run it; the job as it then is, None without one."""
    job = schedule.claim_next(worker=worker)
    if job is None:
        return None
    logger.info("job %s: attempt %s begins", job.number, job.attempt)
    JobRun(job, worker=worker, stopping=stopping).execute()
    ended = Job.objects.get(pk=job.pk)
    logger.info("job %s: attempt %s ends, the job is %s", job.number, job.attempt, ended.state)
    return ended


def sweep_old_folders() -> int:
    """Remove work folders of jobs that ended a week ago; returns how many."""
    going_on = Job.objects.exclude(state__in=FINAL).values_list("pk", flat=True)
    return sweep(keep=set(going_on), older_than_seconds=FOLDER_KEPT_SECONDS)


class JobRun:
    """One attempt of one job."""

    def __init__(self, job: Job, *, worker: WorkerNode, stopping: threading.Event) -> None:
        self.job = job
        self.worker = worker
        self.stopping = stopping
        self.fence = {"job_id": job.pk, "attempt": job.attempt}

    def execute(self) -> None:
        """Run the attempt; every way out leaves the job in the state that fits."""
        with Heartbeat(**self.fence, worker=self.worker) as heartbeat:
            try:
                self._attempt(heartbeat)
            except LeaseLost:
                logger.warning("job %s: the lease is lost, another worker has it", self.job.number)
            except PermanentFailureError as error:
                self._settle(lifecycle.fail, error.failure)
            except TransientFailureError as error:
                self._settle(lifecycle.give_back, error.failure)
            except Exception as error:
                logger.exception("job %s: the worker failed", self.job.number)
                failure = Failure("worker_error", f"The worker failed: {error!r}")
                self._settle(lifecycle.give_back, failure)

    def _attempt(self, heartbeat: Heartbeat) -> None:
        folder = WorkFolder.of(self.job.pk)
        try:
            with FolderLock(folder) as lock:
                staged = stage(self.job)
                sink = Sink(self.job, run_dir=folder.run, series=staged.series)
                end = self._train(staged, sink, lock, heartbeat)
                self._keep_log(folder)
                self._conclude(sink, end)
        except FolderBusyError as error:
            raise TransientFailureError(
                "folder_busy", "An earlier trainer of this run does not end."
            ) from error
        self._tidy(folder)

    def _train(
        self, staged: Staged, sink: Sink, lock: FolderLock, heartbeat: Heartbeat
    ) -> TrainerEnd:
        """Start the engine and take its events until it has ended or told its result."""
        environment = trainer_environment(project=Path(settings.PROJECT_DIR))
        trainer = Trainer(staged, lock_descriptor=lock.descriptor, environment=environment)
        try:
            lock.note_trainer(trainer.pid)
            self._follow(trainer, sink, Control(trainer), heartbeat, staged.folder)
            sink.flush(now=time.monotonic())
            code = trainer.wait(timeout_seconds=END_SECONDS)
            return TrainerEnd(code, sink.failed, trainer.last_lines())
        finally:
            trainer.close()

    def _follow(
        self,
        trainer: Trainer,
        sink: Sink,
        control: Control,
        heartbeat: Heartbeat,
        folder: WorkFolder,
    ) -> None:
        states = StateKeeper(self.job, folder)
        while sink.finished is None:
            if heartbeat.lost.is_set():
                raise LeaseLost
            try:
                event = trainer.next_event(timeout_seconds=POLL_SECONDS)
            except EOFError:
                return
            now = time.monotonic()
            if event is not None:
                sink.take(event, now=now)
            sink.flush_if_due(now=now)
            states.keep_if_due(now=now)
            control.tick(wish=heartbeat.command, is_leaving=self.stopping.is_set(), now=now)

    def _conclude(self, sink: Sink, end: TrainerEnd) -> None:
        if sink.finished is not None:
            lifecycle.finish(**self.fence, reason=sink.finished.reason)
            return
        left_alone = end.exit_code in (EXIT_PAUSED, EXIT_CANCELLED)
        if left_alone or self.stopping.is_set() or self._is_unwanted():
            lifecycle.suspend(**self.fence)
            return
        raise error_of(end)

    def _is_unwanted(self) -> bool:
        """Whether a person asked for the end that came: then a kill is no failure."""
        wish = lifecycle.requested_command(**self.fence)
        return wish in ("pause", "cancel")

    def _settle(self, write: Callable[..., Job], failure: Failure) -> None:
        try:
            write(**self.fence, failure=failure)
        except LeaseLost:
            logger.warning("job %s: the lease is lost, another worker has it", self.job.number)

    def _keep_log(self, folder: WorkFolder) -> None:
        if folder.log.exists() and folder.log.stat().st_size:
            record_log(self.job.pk, self.job.attempt, folder.log)

    def _tidy(self, folder: WorkFolder) -> None:
        state = Job.objects.values_list("state", flat=True).get(pk=self.job.pk)
        if state == State.SUCCEEDED:
            folder.remove()
        elif state in (State.FAILED, State.CANCELED):
            folder.drop_inputs()


class StateKeeper:
    """Stores the resumable state where other machines can fetch it, at most once a minute.

    With a store on this machine there is nothing to do: the work folder is as safe as the store.
    """

    def __init__(self, job: Job, folder: WorkFolder) -> None:
        self._job = job
        self._path = folder.state
        self._is_shared = local_path_is_shared(job)
        self._stored_at = time.monotonic()
        self._seen = 0.0

    def keep_if_due(self, *, now: float) -> None:
        """Store the state if it is new and the last time was a minute ago."""
        if not self._is_shared or now - self._stored_at < STATE_STORED_EVERY_SECONDS:
            return
        if not self._path.exists() or self._path.stat().st_mtime == self._seen:
            return
        self._seen = self._path.stat().st_mtime
        record_state_file(self._job.pk, self._job.attempt, self._path)
        self._stored_at = now


def local_path_is_shared(job: Job) -> bool:
    """Whether the store lies elsewhere, seen by a picture of the job's own dataset."""
    picture = job.snapshot.pictures.select_related("blob").first()
    return picture is not None and local_path(picture.blob) is None
