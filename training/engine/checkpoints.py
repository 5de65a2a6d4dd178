"""The files and samples of a run, made once even when a kill makes the engine pass twice."""

from __future__ import annotations

import json
import shutil
import time
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from training.engine.errors import OutOfMemoryError
from training.engine.events import Checkpointed, Previewed, Stage, Warned
from training.engine.file_writing import file_hash, tensor_hash, whole_file, write_text
from training.engine.metadata import file_metadata
from training.engine.methods.base import ExportInfo
from training.engine.preview import TrainedFile, make_samples
from training.engine.prompts import PromptRequest, prompt_requests
from training.engine.session import Session

NO_ROOM_FOR_SAMPLES = (
    "Memory ran out while samples were made, so some are missing; the training goes on. Make them "
    "smaller with sampling.width and sampling.height."
)


@dataclass(frozen=True)
class ExportedFile:
    """A finished file."""

    path: Path
    sha256: str


def export_checkpoint(
    session: Session, *, epoch: int, step: int | None = None, final: bool = False
) -> ExportedFile:
    """Write the file of an epoch, of a step, or the final one, and tell of it.

    Raises NonFiniteLossError where a step so far, whose loss was not read yet, had none.
    """
    run = session.run
    session.progress.flush()
    path = run.checkpoint_path(None if final else epoch, session.method.extension)
    if step is not None:
        path = path.with_name(f"{session.config.output_name}-s{step:06d}{path.suffix}")
    if not session.among.is_first:
        return ExportedFile(path, "")
    if run.journal.has_told(run.relative(path), session.step) and path.exists():
        return ExportedFile(path, file_hash(path))
    run.journal.emit(Stage(stage="saving", detail=path.name))
    _write(session, path, epoch=epoch)
    config = session.config
    if final and config.method == "dreambooth" and config.dreambooth.diffusers_folder:
        _write_folder(session, path)
    sha256 = file_hash(path)
    run.journal.emit(
        Checkpointed(
            path=run.relative(path),
            epoch=epoch,
            step=session.step,
            sha256=sha256,
            size_bytes=path.stat().st_size,
            loss=session.progress.mean_loss,
            final=final,
        )
    )
    session.progress.rest()
    return ExportedFile(path, sha256)


def _write(session: Session, path: Path, *, epoch: int) -> None:
    """Write the weights of this moment: the average alone, or the last ones with it beside them."""
    metadata = file_metadata(
        session.facts, step=session.step, epoch=epoch, finished_at=round(time.time(), 3)
    )
    ema = session.stepper.ema
    beside_average = ema.average if ema is not None and session.config.ema.keep == "both" else None
    info = ExportInfo(path.stem, session.step, metadata, average=beside_average)
    shown = session.shown_weights() if beside_average is None else nullcontext()
    with shown, whole_file(path) as beside:
        session.method.export(beside, info)


def _write_folder(session: Session, path: Path) -> None:
    """Write a checkpoint as a folder in diffusers layout beside it."""
    from training.engine.tools.convert import ConvertOptions, convert_to_folder

    target = path.with_suffix("")
    session.run.journal.emit(Stage(stage="exporting", detail=target.name))
    shutil.rmtree(target, ignore_errors=True)
    components = session.components
    convert_to_folder(
        path,
        target,
        ConvertOptions(),
        config=components.config_folder,
        velocity=components.prediction_type == "v_prediction",
    )
    text = json.dumps(components.scheduler_config, indent=2)  # the run may have changed it
    write_text(target / "scheduler" / "scheduler_config.json", text)


def make_run_samples(session: Session, *, epoch: int, between: bool = False) -> None:
    """Make the samples of an epoch, or of a step `between`, that are not there yet."""
    session.progress.flush()
    if not session.among.is_first:
        return
    samples = _SampleRound(session, epoch, session.step if between else None)
    if samples.requests:
        session.run.journal.emit(Stage(stage="sampling", total=len(samples.requests)))
        samples.make()
        session.progress.rest()
        done, total = session.step, session.total_steps
        session.run.journal.emit(Stage(stage="training", done=done, total=total))


@dataclass(frozen=True)
class _SampleRound:
    """The samples of one moment of a run; `step` names them where it is between two epochs."""

    session: Session
    epoch: int
    step: int | None

    @property
    def requests(self) -> dict[int, PromptRequest]:
        """Return what was not made yet, by the numbers of the prompts."""
        journal, run = self.session.run.journal, self.session.run
        return {
            number: request
            for number, request in enumerate(prompt_requests(self.session.config))
            if not journal.has_told(run.relative(self.path(number)), self.session.step)
        }

    def path(self, number: int) -> Path:
        """Return where the sample of a prompt goes."""
        return self.session.run.sample_path(self.epoch, number, step=self.step)

    def make(self) -> None:
        """Make them with the weights of this moment; where memory ends, some stay missing."""
        session = self.session
        try:
            with session.shown_weights(), session.evaluating():
                make_samples(
                    session.components,
                    session.conditioner,
                    session.config,
                    self.requests,
                    path_of=self.path,
                    trained=_trained_file(session) if session.step else None,
                    on_sample=self._tell,
                    on_less=partial(self._warn, "out_of_memory"),
                )
        except OutOfMemoryError:
            self._warn("samples_skipped", NO_ROOM_FOR_SAMPLES)

    def _warn(self, code: str, sentence: str) -> None:
        self.session.run.journal.emit(Warned(code=code, message=sentence))

    def _tell(self, number: int, request: PromptRequest, path: Path) -> None:
        self.session.run.journal.emit(
            Previewed(
                path=self.session.run.relative(path),
                prompt_index=number,
                prompt=request.prompt,
                negative=request.negative,
                seed=request.seed,
                epoch=self.epoch,
                step=self.session.step,
                width=request.width,
                height=request.height,
            )
        )


def _trained_file(session: Session) -> TrainedFile:
    """Return the file that holds these weights, by the hash that its users go by."""
    method, run = session.method, session.run
    written = [
        run.path / told
        for told, step in run.journal.told.items()
        if step == session.step and told.startswith(f"{run.checkpoints.name}/")
    ]
    if not written:
        name = f"{session.config.output_name}-s{session.step:06d}"
        return TrainedFile(name, "", method.component)
    path = written[-1]
    found = tensor_hash(path) if method.component == "lora" else file_hash(path)
    return TrainedFile(path.stem, found, method.component)
