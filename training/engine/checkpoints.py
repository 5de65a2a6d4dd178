"""The files and samples of a run, made once even when a kill makes the engine pass twice."""

from __future__ import annotations

import json
import shutil
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from training.engine.events import Checkpointed, Previewed, Stage, Warned
from training.engine.file_writing import file_hash, tensor_hash, whole_file, write_text
from training.engine.memory import is_out_of_memory
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


# long: what is told of each sample shares the run and the epoch
def make_run_samples(session: Session, *, epoch: int, between: bool = False) -> None:
    """Make the samples of an epoch, or of a step `between`, that are not there yet."""
    run = session.run
    session.progress.flush()
    if not session.among.is_first:
        return
    step = session.step if between else None

    def path_of(number: int) -> Path:
        return run.sample_path(epoch, number, step=step)

    requests: dict[int, PromptRequest] = {
        number: request
        for number, request in enumerate(prompt_requests(session.config))
        if not run.journal.has_told(run.relative(path_of(number)), session.step)
    }
    if not requests:
        return
    run.journal.emit(Stage(stage="sampling", total=len(requests)))

    def tell(number: int, request: PromptRequest, path: Path) -> None:
        run.journal.emit(
            Previewed(
                path=run.relative(path),
                prompt_index=number,
                prompt=request.prompt,
                negative=request.negative,
                seed=request.seed,
                epoch=epoch,
                step=session.step,
                width=request.width,
                height=request.height,
            )
        )

    try:
        with session.shown_weights(), session.evaluating():
            make_samples(
                session.components,
                session.conditioner,
                session.config,
                requests,
                path_of=path_of,
                trained=_trained_file(session) if session.step else None,
                on_sample=tell,
            )
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        run.journal.emit(Warned(code="samples_skipped", message=NO_ROOM_FOR_SAMPLES))
    session.progress.rest()
    run.journal.emit(Stage(stage="training", done=session.step, total=session.total_steps))


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
