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
from typing import TypedDict
from uuid import UUID

from django.conf import settings
from django.db import close_old_connections

from training.jobs.models.job import FINAL, Job, State
from training.jobs.models.worker_node import WorkerNode
from training.jobs.services import lifecycle, schedule
from training.jobs.services.artifacts import record_log
from training.jobs.services.events import record_warning
from training.jobs.services.lifecycle import Failure
from training.jobs.services.transitions import LeaseLost
from training.worker.control import Control
from training.worker.failures import (
    PermanentFailureError,
    TrainerEnd,
    TransientFailureError,
    error_of,
    failure_of,
)
from training.worker.heartbeat import Heartbeat
from training.worker.patience import Patience
from training.worker.sink import Sink
from training.worker.staging import Staged, stage
from training.worker.state_keeper import StateKeeper
from training.worker.trainer import Trainer
from training.worker.trainer_process import trainer_environment
from training.worker.verification import explained
from training.worker.work_folder import FolderBusyError, FolderLock, WorkFolder, sweep

logger = logging.getLogger(__name__)

NOT_USED = "networks_left_out"  # as the engine tells it of a name that no file has
POLL_SECONDS = 0.2
END_SECONDS = 20.0
FOLDER_KEPT_SECONDS = 7 * 86_400.0  # so long a failed run can be tried again from its state


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


class Fence(TypedDict):
    """What every write of a worker names, so that one that lost the job writes nothing."""

    job_id: UUID
    attempt: int


class JobRun:
    """One attempt of one job."""

    def __init__(self, job: Job, *, worker: WorkerNode, stopping: threading.Event) -> None:
        self.job = job
        self.worker = worker
        self.stopping = stopping
        self.fence = Fence(job_id=job.pk, attempt=job.attempt)

    def execute(self) -> None:
        """Run the attempt; every way out leaves the job in the state that fits."""
        with Heartbeat(**self.fence, worker=self.worker) as heartbeat:
            self._patience = Patience(lost=heartbeat.lost, stopping=self.stopping)
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
                close_old_connections()  # it may be the connection that broke
                self._settle(lifecycle.give_back, failure_of(error))
        self._tidy()

    def _attempt(self, heartbeat: Heartbeat) -> None:
        folder = WorkFolder.of(self.job.pk)
        try:
            with FolderLock(folder) as lock:
                write = self._patience.write
                staged = write(stage, self.job)
                sink = Sink(self.job, run_dir=folder.run, series=staged.series, write=write)
                for sentence in staged.not_used:
                    write(record_warning, **self.fence, code=NOT_USED, message=sentence)
                states = StateKeeper(self.job, folder)
                end = self._train(staged, sink, states, lock, heartbeat)
                write(self._keep_log, folder)
                if sink.finished is None:
                    write(states.keep)
                self._conclude(sink, end, folder)
        except FolderBusyError as error:
            raise TransientFailureError(
                "folder_busy", "An earlier trainer of this run does not end."
            ) from error

    def _train(
        self,
        staged: Staged,
        sink: Sink,
        states: StateKeeper,
        lock: FolderLock,
        heartbeat: Heartbeat,
    ) -> TrainerEnd:
        """Start the engine and take its events until it has ended or told its result.

        Where this worker cannot go on, the trainer is given the time to save what it has.
        """
        environment = trainer_environment(project=Path(settings.PROJECT_DIR))
        trainer = Trainer(staged, lock_descriptor=lock.descriptor, environment=environment)
        try:
            lock.note_trainer(trainer.pid)
            self._follow(trainer, sink, states, heartbeat)
            sink.flush(now=time.monotonic())
            code = trainer.wait(timeout_seconds=END_SECONDS)
            return TrainerEnd(code, sink.failed, trainer.last_lines())
        except BaseException:
            trainer.terminate()
            trainer.wait(timeout_seconds=END_SECONDS)
            raise
        finally:
            trainer.close()

    def _follow(
        self, trainer: Trainer, sink: Sink, states: StateKeeper, heartbeat: Heartbeat
    ) -> None:
        control = Control(trainer)
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
            self._patience.write(states.keep_if_due, now=now)
            control.tick(wish=heartbeat.command, is_leaving=self.stopping.is_set(), now=now)

    def _conclude(self, sink: Sink, end: TrainerEnd, folder: WorkFolder) -> None:
        if sink.finished is not None:
            self._patience.write(lifecycle.finish, **self.fence, reason=sink.finished.reason)
            return
        if self.stopping.is_set() or self._patience.write(self._is_unwanted):
            self._patience.write(lifecycle.suspend, **self.fence)
            return
        error = error_of(end)
        if isinstance(error, PermanentFailureError):
            error = explained(error, self.job, folder)
        raise error

    def _is_unwanted(self) -> bool:
        """Whether a person asked for the end that came: then a kill is no failure."""
        wish = lifecycle.requested_command(**self.fence)
        return wish in ("pause", "cancel")

    def _settle(self, write: Callable[..., Job], failure: Failure) -> None:
        try:
            self._patience.write(write, **self.fence, failure=failure)
        except LeaseLost:
            logger.warning("job %s: the lease is lost, another worker has it", self.job.number)

    def _keep_log(self, folder: WorkFolder) -> None:
        if folder.log.exists() and folder.log.stat().st_size:
            record_log(self.job.pk, self.job.attempt, folder.log_tail())

    def _tidy(self) -> None:
        """Free the disk of what this attempt ended for good; a failed run keeps its state."""
        ended = Job.objects.filter(pk=self.job.pk, attempt=self.job.attempt, state__in=FINAL)
        state = ended.values_list("state", flat=True).first()
        if state == State.SUCCEEDED:
            WorkFolder.of(self.job.pk).remove()
        elif state is not None:
            WorkFolder.of(self.job.pk).drop_inputs()
