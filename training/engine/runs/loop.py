"""A training run from its first step to its last file. Everything else is called from here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from training.engine.config.train import TrainConfig
from training.engine.errors import EngineError
from training.engine.events import (
    Command,
    Control,
    Failed,
    Finished,
    Leaving,
    LeavingCommand,
    Listener,
    NoListener,
    Stage,
    Suspended,
)
from training.engine.files.disk import MESSAGE as DISK_FULL
from training.engine.files.disk import is_full
from training.engine.machine.precision import without_denormals
from training.engine.machine.processes import processes
from training.engine.runs.checkpoints import final_checkpoint, keep_checkpoint
from training.engine.runs.outputs import RunFolder
from training.engine.runs.preparation import go_on, prepare
from training.engine.runs.run_samples import make_run_samples
from training.engine.runs.session import Session
from training.engine.runs.state import saved_step
from training.engine.runs.validation import validate_if_due
from training.engine.shelf import Shelf


@dataclass(frozen=True)
class TrainResult:
    """How a sitting ended: completed, stopped (kept as it was), paused or cancelled.

    The path is that of the first of several processes, which writes the files; others have none.
    """

    status: str
    step: int
    total_steps: int
    path: Path | None = None
    sha256: str = ""
    was_over: bool = False  # before this sitting, which did nothing


@dataclass
class Clock:
    """When the state was last saved, and how long this sitting has taken."""

    every_seconds: float
    started: float = field(default_factory=time.monotonic)
    saved: float = field(default_factory=time.monotonic)

    def state_is_due(self, *, is_busy: bool) -> bool:
        """Tell whether the state is older than it may be.

        While files are written or samples drawn, which it would wait for, it may be twice as old.
        """
        limit = self.every_seconds * (2 if is_busy else 1)
        return time.monotonic() - self.saved >= limit


@without_denormals()
def train(
    config: TrainConfig,
    *,
    run_dir: Path,
    listener: Listener,
    control: Control,
    cache_dir: Path,
    resume: bool = True,
    replay_after: int | None = None,
    shelf: Shelf | None = None,
) -> TrainResult:
    """Train until the run is complete, or the control says otherwise.

    With `resume`, a run folder that has a state goes on from it, to the same bytes as if it had
    never been interrupted. With `replay_after`, stored events with a higher sequence are told
    again first, for a listener that lost some. A folder whose run is over stays as it is, unless
    its settings have changed. A shelf keeps the base model for the next run of this process.
    Raises EngineError after telling Failed.
    """
    config = config.resolved()
    with processes(config.device) as among, among.folder(run_dir) as folder:
        run = RunFolder(
            folder,
            config,
            listener if among.is_first else NoListener(),
            resume=resume,
            replay_after=replay_after,
            state_of=run_dir,
        )
        with _told_failures(run) as sitting:
            finished = among.agree(run.journal.finished if run.has_same_settings else None)
            if finished is not None:
                result = _as_it_ended(run, finished)
            else:
                clock, alone = Clock(config.state_every_seconds), among.count == 1
                try:
                    sitting.session = prepare(
                        config, run, cache_dir, among, shelf, heed=_heeding(control, alone=alone)
                    )
                    result = _run(sitting.session, control, clock)
                except LeavesEarlyError as error:
                    step, total = saved_step(run.state_path), config.max_steps or 0
                    result = _suspended(run, error.command, step, total)
            return result if among.is_first else replace(result, path=None)


class LeavesEarlyError(Exception):
    """A run is to end by a command, and its first step was not taken yet."""

    def __init__(self, command: LeavingCommand) -> None:
        super().__init__(command)
        self.command: LeavingCommand = command


def _heeding(control: Control, *, alone: bool) -> Callable[[], None]:
    """Return what ends the preparation of a run once it is to pause or to be cancelled.

    All that was made is cached. A stop has nothing to keep before the first step, and waits for it.

    Of several processes none leaves before the others: they wait for it.
    """
    if not alone or not isinstance(control, Leaving):
        return go_on

    def heed() -> None:
        command = control.leaving
        if command is not None:
            raise LeavesEarlyError(command)

    return heed


@dataclass
class Sitting:
    """What is going on while a failure may happen."""

    session: Session | None = None

    @property
    def step(self) -> int:
        """Return the number of steps that are done."""
        return self.session.step if self.session else 0

    def leave(self) -> None:
        """End what goes on beside the steps, so that nothing is told after the last word."""
        if self.session is not None:
            self.session.aside.close()


@contextmanager
def _told_failures(run: RunFolder) -> Iterator[Sitting]:
    """Tell whatever goes wrong as the last event of a sitting, and raise it on."""
    sitting = Sitting()
    try:
        yield sitting
    except EngineError as error:
        sitting.leave()
        run.journal.emit_failure(Failed(code=error.code, message=str(error), step=sitting.step))
        raise
    except Exception as error:
        sitting.leave()
        code, message = "disk_full", DISK_FULL.format(error=error)
        if not is_full(error):
            code = "internal_error"
            message = f"The engine met something it does not know: {type(error).__name__}: {error}"
        run.journal.emit_failure(Failed(code=code, message=message, step=sitting.step))
        raise
    finally:
        sitting.leave()
        run.journal.close()


def _as_it_ended(run: RunFolder, finished: Finished) -> TrainResult:
    """Return the result of a run that is over."""
    path = run.path / finished.path
    step, total = finished.step, finished.total_steps
    return TrainResult(finished.reason, step, total, path, finished.sha256, was_over=True)


def _run(session: Session, control: Control, clock: Clock) -> TrainResult:
    session.run.journal.emit(Stage(stage="training", done=session.step, total=session.total_steps))
    if session.step == 0 and session.config.sampling.at_start:
        make_run_samples(session, epoch=0)
    validate_if_due(session)
    while session.step < session.total_steps:
        command = session.among.agree(control.command())
        if command in ("pause", "cancel"):
            return _suspend(session, command)
        if command == "stop":
            return _finish(session, clock, reason="stopped")
        session.aside.check()
        session.progress.add(session.stepper.step(session.step))
        validate_if_due(session)
        if session.step < session.total_steps:
            _keep_what_is_due(session)
        _obey(session, command, clock)
    return _finish(session, clock, reason="completed")


def _keep_what_is_due(session: Session) -> None:
    """Keep the files and make the samples that are due after an epoch, or after so many steps.

    The next steps wait for neither, where copies of what is trained fit into memory.
    """
    config, step = session.config, session.step
    ended, inside = divmod(step, session.steps_per_epoch)
    epoch = session.epoch

    def due(every: int, count: int) -> bool:
        return bool(every) and count % every == 0

    if inside == 0 and due(config.save_every_epochs, ended):
        keep_checkpoint(session, epoch=epoch)
    if due(config.save_every_steps, step):
        keep_checkpoint(session, epoch=epoch, step=step)
    if inside == 0 and due(config.sample_every_epochs, ended):
        make_run_samples(session, epoch=epoch, beside=True)
    if due(config.sample_every_steps, step):
        make_run_samples(session, epoch=epoch, between=True, beside=True)


def _obey(session: Session, command: Command | None, clock: Clock) -> None:
    """Do what was asked between two steps, and save the state when it is due."""
    if command == "sample":
        make_run_samples(session, epoch=session.epoch, between=True, beside=True)
    if command == "save":
        keep_checkpoint(session, epoch=session.epoch, step=session.step)
    if command == "save" or clock.state_is_due(is_busy=session.aside.is_busy):
        session.save()
        clock.saved = time.monotonic()


def _suspend(session: Session, command: Command) -> TrainResult:
    """Save the state and leave without a result."""
    session.save()
    session.aside.settle()
    return _suspended(session.run, command, session.step, session.total_steps)


def _suspended(run: RunFolder, command: Command, step: int, total: int) -> TrainResult:
    """Tell that a sitting is over without a result, and return that."""
    reason = "paused" if command == "pause" else "cancelled"
    run.journal.emit(Suspended(reason=reason, step=step, total_steps=total))
    return TrainResult(reason, step, total)


def _finish(session: Session, clock: Clock, *, reason: str) -> TrainResult:
    """Write the final file and the last samples, and tell that the run is over."""
    session.save()
    final = final_checkpoint(session, epoch=session.epoch)
    if session.config.sample_every_epochs or session.config.sample_every_steps:
        make_run_samples(session, epoch=session.epoch)
    session.aside.settle()
    journal = session.run.journal
    if journal.finished is None or journal.finished.step != session.step:
        journal.emit(
            Finished(
                reason=reason,
                step=session.step,
                total_steps=session.total_steps,
                path=session.run.relative(final.path),
                sha256=final.sha256,
                loss=session.progress.mean_loss,
                seconds=round(time.monotonic() - clock.started, 2),
            )
        )
    return TrainResult(reason, session.step, session.total_steps, final.path, final.sha256)
