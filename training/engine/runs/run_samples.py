"""The samples of a run, made once even when a kill makes the engine pass twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from training.engine.components import Components
from training.engine.config.train import TrainConfig
from training.engine.errors import OutOfMemoryError
from training.engine.events import Previewed, Stage, Warned
from training.engine.files.file_writing import file_hash, tensor_hash
from training.engine.machine.memory import is_out_of_memory
from training.engine.runs.session import Session
from training.engine.samples.applying import AppliedFile
from training.engine.samples.preview import SampleFolder, TrainedFile, make_samples
from training.engine.samples.prompts import PromptRequest, prompt_requests
from training.engine.samples.resource_library import PromptFiles, ResourceLibrary
from training.engine.samples.samplers import load_schedulers, needs_library
from training.engine.text import TextConditioner

NO_ROOM_FOR_SAMPLES = (
    "Memory ran out while samples were made, so some are missing; the training goes on. Make them "
    "smaller with sampling.width and sampling.height."
)


@dataclass(frozen=True)
class Moment:
    """Which samples: of an epoch, or of a step `between`; `step` is how far the weights are."""

    epoch: int
    step: int
    between: bool


def make_run_samples(
    session: Session, *, epoch: int, between: bool = False, beside: bool = False
) -> None:
    """Make the samples of an epoch, or of a step `between`, that are not there yet.

    With `beside`, the steps go on meanwhile where a second copy of what is trained fits; its file,
    which the samples name by its hash, is waited for there.
    """
    session.aside.samples.settle()
    session.progress.flush()
    moment = Moment(epoch, session.step, between)
    requests = _missing(session, moment) if session.among.is_first else {}
    if not requests:
        return
    schedule = session.components.scheduler_config
    if any(needs_library(request.sampler, schedule) for request in requests.values()):
        load_schedulers()
    twin = session.twin() if beside else None
    if twin is None:
        session.aside.settle()
        _draw_between_steps(session, moment, requests)
        return

    written = session.aside.files.under_way  # their file, if it is not there yet

    def draw() -> None:
        if written is not None:
            written.result()
        with twin.drawing():
            _draw(session, moment, requests, twin.components, twin.conditioner)

    session.aside.samples.start(draw)


def _missing(session: Session, moment: Moment) -> dict[int, PromptRequest]:
    """Return the prompts, by their numbers, whose pictures were not told yet."""
    run = session.run
    requests = prompt_requests(session.config, session.facts.data.manifest.picture)
    return {
        number: request
        for number, request in enumerate(requests)
        if not run.journal.has_told(run.relative(_path(session, moment, number)), moment.step)
    }


def _path(session: Session, moment: Moment, number: int) -> Path:
    step = moment.step if moment.between else None
    return session.run.sample_path(moment.epoch, number, step=step)


def _draw_between_steps(
    session: Session, moment: Moment, requests: dict[int, PromptRequest]
) -> None:
    journal = session.run.journal
    journal.emit(Stage(stage="sampling", total=len(requests)))
    with session.shown_weights(), session.evaluating():
        _draw(session, moment, requests, session.components, session.conditioner)
    session.progress.rest()
    journal.emit(Stage(stage="training", done=session.step, total=session.total_steps))


def _draw(
    session: Session,
    moment: Moment,
    requests: dict[int, PromptRequest],
    components: Components,
    conditioner: TextConditioner,
) -> None:
    def warn(code: str, sentence: str) -> None:
        session.run.journal.emit(Warned(code=code, message=sentence))

    folder = SampleFolder(
        path_of=lambda number: _path(session, moment, number),
        trained=_trained_file(session, moment.step) if moment.step else None,
        on_sample=_telling(session, moment),
        on_less=partial(warn, "out_of_memory"),
        on_unfit=partial(warn, "networks_left_out"),
        always=tuple(session.library.resource(file) for file in base_files(session.config)),
    )
    needs = _needs(session, requests)
    try:
        make_samples(components, conditioner, session.config, requests, folder, needs=needs)
    except (OutOfMemoryError, RuntimeError) as error:
        if not isinstance(error, OutOfMemoryError) and not is_out_of_memory(error):
            raise
        warn("samples_skipped", NO_ROOM_FOR_SAMPLES)


def _needs(session: Session, requests: dict[int, PromptRequest]) -> dict[int, PromptFiles]:
    """Return the files that prompts name; names without one were told before the first step."""
    learned = tuple(session.components.placeholders)
    return {
        number: session.library.needed_by(
            request.prompt, request.negative, learned=learned, on_missing=lambda _sentence: None
        )
        for number, request in requests.items()
    }


def base_files(config: TrainConfig) -> list[AppliedFile]:
    """Return the files that are put into the base model, with their strengths."""
    given = config.base_weights_multipliers
    strengths = [*given, *[1.0] * (len(config.base_weights) - len(given))]
    pairs = zip(config.base_weights, strengths, strict=True)
    return [AppliedFile(Path(path), strength) for path, strength in pairs]


def library_of(config: TrainConfig) -> ResourceLibrary:
    """Return the files that the sample prompts of a run may name.

    Raises ConfigError for a folder that is not there.
    """
    folders = [Path(folder) for folder in config.sampling.library]
    return ResourceLibrary(folders, place="Put it into a folder of sampling.library.")


def warn_of_missing(
    library: ResourceLibrary, requests: list[PromptRequest], warn: Callable[[str, str], None]
) -> None:
    """Tell each name in prompts once that no file has; `warn(code, sentence)`."""
    missing: dict[str, None] = {}
    for request in requests:
        library.needed_by(request.prompt, on_missing=lambda told: missing.update({told: None}))
    for sentence in missing:
        warn("networks_left_out", f"{sentence} Samples are made without it.")


def _telling(session: Session, moment: Moment) -> Callable[[int, PromptRequest, Path], None]:
    def tell(number: int, request: PromptRequest, path: Path) -> None:
        session.run.journal.emit(
            Previewed(
                path=session.run.relative(path),
                prompt_index=number,
                prompt=request.prompt,
                negative=request.negative,
                seed=request.seed,
                epoch=moment.epoch,
                step=moment.step,
                width=request.width,
                height=request.height,
            )
        )

    return tell


def _trained_file(session: Session, step: int) -> TrainedFile:
    """Return the file that holds these weights, by the hash that its users go by."""
    method, run = session.method, session.run
    written = [
        run.path / told
        for told, its_step in list(run.journal.told.items())
        if its_step == step and told.startswith(f"{run.checkpoints.name}/")
    ]
    if not written:
        return TrainedFile(f"{session.config.output_name}-s{step:06d}", "", method.component)
    path = written[-1]
    found = tensor_hash(path) if method.component == "lora" else file_hash(path)
    return TrainedFile(path.stem, found, method.component)
