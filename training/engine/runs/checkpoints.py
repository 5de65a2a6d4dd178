"""The files of a run, made once even when a kill makes the engine pass twice."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from training.engine.config.train import TrainConfig
from training.engine.events import Checkpointed, Stage
from training.engine.files.dates import date_now
from training.engine.files.file_writing import file_hash, whole_file, write_text
from training.engine.method import ExportInfo
from training.engine.runs.aside import fits_beside
from training.engine.runs.metadata import file_metadata
from training.engine.runs.session import Session


@dataclass(frozen=True)
class ExportedFile:
    """A finished file."""

    path: Path
    sha256: str


def keep_checkpoint(session: Session, *, epoch: int, step: int | None = None) -> None:
    """Write the file of an epoch, or of a step, and tell of it: beside the steps where it can be.

    Raises NonFiniteLossError where a step so far, whose loss was not read yet, had none.
    """
    session.aside.files.settle()  # before another copy is made
    path = _path(session, epoch, step)
    if not _is_missing(session, path):
        return
    if fits_beside(session.trained_bytes, "cpu"):
        session.aside.files.start(_writing(session, path, epoch, copied=True))
        return
    session.run.journal.emit(Stage(stage="saving", detail=path.name))
    _writing(session, path, epoch, copied=False)()
    session.progress.rest()


def final_checkpoint(session: Session, *, epoch: int) -> ExportedFile:
    """Write the last file, and the folder where one is asked for. Raises as keep_checkpoint."""
    path = _path(session, None, None)
    if _is_missing(session, path):
        session.run.journal.emit(Stage(stage="saving", detail=path.name))
        has_folder = session.method.ends_with_folder
        folder = partial(_write_folder, session, path) if has_folder else None
        _writing(session, path, epoch, copied=False, final=True, then=folder)()
    return ExportedFile(path, file_hash(path) if session.among.is_first else "")


def _path(session: Session, epoch: int | None, step: int | None) -> Path:
    path = session.run.checkpoint_path(epoch, session.method.extension)
    if step is None:
        return path
    return path.with_name(f"{session.config.output_name}-s{step:06d}{path.suffix}")


def _is_missing(session: Session, path: Path) -> bool:
    """Tell whether it is for this process to write a file, and not done yet."""
    session.progress.flush()
    run = session.run
    name = run.relative(path)
    was_told = run.journal.has_told(name, session.step)
    is_done = was_told and (
        path.exists() or name in superseded(session.config, dict(run.journal.told))
    )
    return session.among.is_first and not is_done


def superseded(config: TrainConfig, told: Mapping[str, int]) -> list[str]:
    """Return the told files that newer ones take the place of, where only the last are to stay.

    Of epochs so many files stay; of steps those of so many steps, as in kohya's scripts. Files that
    were asked for in between, and the last one, always stay.
    """
    start = re.escape(f"checkpoints/{config.output_name}")
    gone: list[str] = []
    if config.save_last_epochs:
        of_epochs = sorted(name for name in told if re.fullmatch(rf"{start}-e\d+\.\w+", name))
        gone += of_epochs[: -config.save_last_epochs]
    if config.save_last_steps and config.save_every_steps:
        of_steps = [name for name in told if re.fullmatch(rf"{start}-s\d+\.\w+", name)]
        newest = max((told[name] for name in of_steps), default=0)
        gone += [
            name
            for name in of_steps
            if told[name] % config.save_every_steps == 0
            and told[name] < newest - config.save_last_steps
        ]
    return gone


def _writing(
    session: Session,
    path: Path,
    epoch: int,
    *,
    copied: bool,
    final: bool = False,
    then: Callable[[], None] | None = None,
) -> Callable[[], None]:
    """Return what writes the weights and tells of the file: those of this moment, if `copied`."""
    write = _file(session, path, epoch, copied=copied)
    run, step, loss = session.run, session.step, session.progress.mean_loss

    def work() -> None:
        with whole_file(path) as beside:
            write(beside)
        if then is not None:
            then()
        told = Checkpointed(
            path=run.relative(path),
            epoch=epoch,
            step=step,
            sha256=file_hash(path),
            size_bytes=path.stat().st_size,
            loss=loss,
            final=final,
        )
        run.journal.emit(told)
        for name in superseded(session.config, dict(run.journal.told)):
            (run.path / name).unlink(missing_ok=True)

    return work


def _file(session: Session, path: Path, epoch: int, *, copied: bool) -> Callable[[Path], None]:
    """Return what writes a file: with the average alone, or the last weights and it beside them."""
    metadata = file_metadata(session.facts, step=session.step, epoch=epoch, finished_at=date_now())
    ema = session.stepper.ema
    beside_average = ema.average if ema is not None and session.config.ema.keep == "both" else None
    info = ExportInfo(path.stem, session.step, metadata, beside_average, copied)

    def shown() -> AbstractContextManager[None]:
        return session.shown_weights() if beside_average is None else nullcontext()

    def write_at_once(beside: Path) -> None:
        with shown():
            session.method.export(beside, info)

    if not copied:
        return write_at_once
    with shown():
        return session.method.file_of_now(info)


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
