"""Putting a run together: base model, pictures, what is trained, and the saved step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from training.engine.adapters.beginning import shaped_as_its_file
from training.engine.components import Components, load_components
from training.engine.config.train import TrainConfig
from training.engine.data.batches import Feed, Item
from training.engine.data.encoding_room import EncodingRoom
from training.engine.data.folders import class_folder, read_folder
from training.engine.data.latents import LatentCache
from training.engine.data.manifest import Manifest, hold_out, read_manifest
from training.engine.data.preparing import Preparing
from training.engine.data.prior import class_images
from training.engine.data.texts import TextCache
from training.engine.errors import ConfigError, DatasetError
from training.engine.estimate import estimate
from training.engine.events import Stage, Started, Warned
from training.engine.files.base_files import family_at
from training.engine.machine.compiling import compile_unet, missing_for_compiling
from training.engine.machine.memory import has_room_for_turned_copies
from training.engine.machine.paging import page_out_module
from training.engine.machine.precision import Precision, choose, describe_machine, set_threads
from training.engine.machine.processes import ALONE, Processes
from training.engine.method import Method
from training.engine.methods import make_method
from training.engine.optimizers.ema import Ema
from training.engine.optimizers.optim import Optimizing
from training.engine.packed_convolution import pack_frozen_convolutions, packing_pays
from training.engine.runs.ground import Ground
from training.engine.runs.outputs import RunFolder
from training.engine.runs.progress import Progress
from training.engine.runs.rules import (
    feed_rule,
    loss_rule,
    noise_rule,
    trigger_word,
    validation_of,
)
from training.engine.runs.run_facts import data_facts, run_facts
from training.engine.runs.run_samples import base_files, library_of, warn_of_missing
from training.engine.runs.session import Session
from training.engine.runs.state import Position, load_state
from training.engine.runs.stepping import Stepper
from training.engine.samples.applying import put_into
from training.engine.samples.prompt_troubles import prompt_troubles
from training.engine.samples.prompts import prompt_requests
from training.engine.samples.resource_library import ResourceLibrary
from training.engine.shelf import Shelf
from training.engine.text import TextConditioner
from training.engine.version import ENGINE_VERSION

STAGE_SECONDS = 0.5
UNUSED_CLASS_PICTURES = (
    "The data set has pictures of the class, and prior preservation is off, so they are not used. "
    "Turn prior.enabled on to train on them too."
)


def go_on() -> None:
    """End nothing."""


def prepare(
    config: TrainConfig,
    run: RunFolder,
    cache_dir: Path,
    among: Processes = ALONE,
    shelf: Shelf | None = None,
    *,
    heed: Callable[[], None] = go_on,
) -> Session:
    """Load the base model and the pictures, add what is trained, and go to the saved step.

    A shelf keeps the base model for the next run of this process. `heed` is called between stages
    and after each picture that was encoded or made; what it raises ends the preparation, and all
    is cached.
    """
    heed()
    _check_files(config, run)
    config = shaped_as_its_file(config)
    method = make_method(config)
    manifest = _manifest(config, run)
    library = _library(config, run, manifest)
    precision = _choose_precision(config, run, len(manifest.training), among)
    run.journal.emit(Stage(stage="loading_base", detail=config.base_model.name))
    heed()
    components = _base(config, precision, shelf, is_changed=method.changes_base)
    heed()
    ground = Ground(config, run, components, precision, among)
    with among.first_before_others():
        items, prior, held_out = _load_pictures(ground, manifest, cache_dir, heed)
    heed()
    _install(method, ground)
    trigger = method.new_word or trigger_word(config, manifest)
    feed = Feed(items, feed_rule(ground, method, manifest, trigger), prior)
    total_steps = _total_steps(config, feed)
    stepper = _stepper(ground, method, feed, total_steps)
    stepper.conditioner.cache = TextCache(cache_dir, components)
    progress = _progress(ground, total_steps, feed.steps_per_epoch)
    data = data_facts(config, manifest, feed, held_out)
    session = Session(
        config, run, components, stepper.conditioner, method, stepper, progress,
        run_facts(ground, method, data, feed, trigger, total_steps),
        total_steps, feed.steps_per_epoch,
        validation_of(config, feed.rule, held_out),
        among, library,
    )  # fmt: skip
    saved = load_state(run.state_path, method=config.method)
    if saved is not None:
        session.restore(saved)
    run.journal.emit(_started(session, precision, resumed=saved is not None))
    return session


def _progress(ground: Ground, total_steps: int, steps_per_epoch: int) -> Progress:
    return Progress(
        Position(method=ground.config.method),
        total_steps=total_steps,
        steps_per_epoch=steps_per_epoch,
        device=ground.precision.device,
        emit=ground.run.journal.emit,
    )


def _check_files(config: TrainConfig, run: RunFolder) -> None:
    """Raise ConfigError for a file that is not there, before hours are spent on the pictures."""
    named = list(config.base_weights)
    if config.initial_weights and not run.state_path.exists():
        named.append(config.initial_weights)
    for path in named:
        if not Path(path).is_file():
            raise ConfigError(f"There is no file {path}. Check the path.")


def _base(
    config: TrainConfig, precision: Precision, shelf: Shelf | None, *, is_changed: bool
) -> Components:
    """Return the base model, with the files in its weights that the settings put there."""
    files = base_files(config)
    if files and shelf is not None:
        shelf.clear()  # it keeps a base as its file has it
        shelf = None
    components = load_components(config, precision, shelf, is_changed=is_changed)
    put_into(components, files)
    return components


def _install(method: Method, ground: Ground) -> None:
    """Put what is trained into the base model: from a file where one is to go on."""
    config = ground.config
    method.install(ground.components)
    if config.initial_weights and not ground.run.state_path.exists():
        method.begin_with(Path(config.initial_weights))
    method.set_training(training=True)


def _stepper(ground: Ground, method: Method, feed: Feed, total_steps: int) -> Stepper:
    config, components, precision = ground.config, ground.components, ground.precision
    if packing_pays(precision, total_steps):
        turned = has_room_for_turned_copies()
        pack_frozen_convolutions(components.unet, components.derived, turned=turned)
    if config.compile:
        _compile(ground.run, components)
    conditioner = TextConditioner(
        components, clip_skip=config.clip_skip, max_tokens=config.captions.max_tokens
    )
    conditioner.frozen = not method.trains_text
    tell = ground.run.journal.emit
    return Stepper(
        components=components,
        conditioner=conditioner,
        method=method,
        feed=feed,
        optimizing=Optimizing(config, method.param_groups(), total_steps),
        ema=Ema(method.named_parameters(), config.ema.decay) if config.ema.enabled else None,
        noise=noise_rule(config),
        loss=loss_rule(config),
        schedule=components.noise_schedule().to(components.device),
        precision=precision,
        seed=config.seed,
        on_warning=lambda code, text: tell(Warned(code=code, message=text)),
        among=ground.among,
        emphasis=config.captions.emphasis,
    )


def _compile(run: RunFolder, components: Components) -> None:
    missing = missing_for_compiling(components.device)
    if missing:
        sentence = f"The UNet is not compiled, because {missing}; the run goes on without."
        run.journal.emit(Warned(code="compile_unavailable", message=sentence))
    else:
        run.journal.emit(Stage(stage="compiling"))
        compile_unet(components.unet)


def _choose_precision(
    config: TrainConfig, run: RunFolder, images: int, among: Processes
) -> Precision:
    asked = {"": config.mixed_precision, "fp32": "no"}.get(
        run.identity.compute, run.identity.compute
    )
    machine = describe_machine(measure_bf16=asked != "no")
    precision = choose(
        machine,
        device=config.device,
        mixed_precision=asked,
        checkpointing=config.gradient_checkpointing,
        estimated_bytes=_estimated_bytes(config, images, cuda=machine.cuda),
    )
    compute = among.agree(precision.compute)  # speeds are measured, and measures differ
    precision = replace(precision, compute=compute, use_scaler=compute == "fp16")
    run.remember_compute(precision.compute)
    set_threads(precision)
    for note in precision.notes:
        run.journal.emit(Warned(code="precision_changed", message=note))
    return precision


def _estimated_bytes(config: TrainConfig, images: int, *, cuda: bool) -> int:
    """Return the memory that a run is thought to take, by the family of its base."""
    path = Path(config.base_model.path)
    named_at_all = bool(config.base_model.path) and path.exists()
    if config.base_model.architecture == "auto" and named_at_all:
        named = config.base_model.model_copy(update={"architecture": family_at(path)})
        config = config.model_copy(update={"base_model": named})
    device = "cuda" if cuda and config.device != "cpu" else "cpu"
    return estimate(config, images=images, device=device).memory_bytes


def _library(config: TrainConfig, run: RunFolder, manifest: Manifest) -> ResourceLibrary:
    """Return the files that sample prompts may name; tell names without a file.

    Raises ConfigError for a prompt that starts from no picture.
    """
    requests = prompt_requests(config, manifest.picture)
    library = library_of(config)
    tell = run.journal.emit
    for sentence in prompt_troubles(config):
        tell(Warned(code="prompt_options", message=sentence))
    warn_of_missing(library, requests, lambda code, text: tell(Warned(code=code, message=text)))
    return library


def _manifest(config: TrainConfig, run: RunFolder) -> Manifest:
    """Return the data set: a manifest file, or a folder in kohya's layout."""
    if not config.dataset_manifest:
        raise DatasetError(
            "No data set is named. Set dataset_manifest to a folder of pictures in kohya's layout, "
            "such as one with 20_sks cat, or to a manifest."
        )
    path = Path(config.dataset_manifest)

    def skipped(code: str, sentence: str) -> None:
        run.journal.emit(Warned(code=code, message=sentence))

    if not path.exists():
        raise DatasetError(f"There is no data set at {path}.")
    found = read_folder(path, warn=skipped) if path.is_dir() else read_manifest(path)
    if config.prior.enabled and config.class_folder:
        more = class_folder(Path(config.class_folder), warn=skipped)
        found = replace(found, images=(*found.images, *more))
    return hold_out(found, share=config.validation.share, seed=config.validation.seed)


def _load_pictures(
    ground: Ground, manifest: Manifest, cache_dir: Path, heed: Callable[[], None]
) -> tuple[list[Item], dict[tuple[int, int], list[Item]], list[Item]]:
    config, run, components = ground.config, ground.run, ground.components
    emit = run.journal.emit

    def warn(code: str, sentence: str) -> None:
        emit(Warned(code=code, message=sentence))

    cache = LatentCache(cache_dir, components)
    preparing = Preparing(
        config=config,
        components=components,
        cache=cache,
        room=EncodingRoom(components, cache, warn),
        on_progress=_Told(run, "caching_latents", heed),
        on_skip=partial(warn, "picture_skipped"),
        on_conversions=partial(warn, "pictures_converted"),
    )
    items = preparing.items(list(manifest.training))
    held_out = preparing.items(list(manifest.held_out), fixed=True) if manifest.held_out else []
    if not config.prior.enabled:
        page_out_module(components.vae)  # until the next samples
        if manifest.regularisation:
            warn("class_pictures_unused", UNUSED_CLASS_PICTURES)
        return items, {}, held_out
    images = class_images(
        config,
        components,
        given=manifest.regularisation,
        class_prompt=manifest.class_prompt,
        cache_dir=cache_dir,
        on_progress=_Told(run, "making_class_images", heed),
        on_less=partial(warn, "out_of_memory"),
    )
    return items, preparing.class_items(images, {item.bucket for item in items}), held_out


class _Told:
    """Tells the progress of a stage at most twice a second, and always its end."""

    def __init__(self, run: RunFolder, stage: str, heed: Callable[[], None]) -> None:
        self._run, self._stage, self._heed, self._at = run, stage, heed, 0.0

    def __call__(self, done: int, total: int) -> None:
        self._heed()
        if done < total and time.monotonic() - self._at < STAGE_SECONDS:
            return
        self._at = time.monotonic()
        self._run.journal.emit(Stage(stage=self._stage, done=done, total=total))


def _total_steps(config: TrainConfig, feed: Feed) -> int:
    by_epochs = config.epochs * feed.steps_per_epoch if config.epochs else None
    limits = [limit for limit in (by_epochs, config.max_steps) if limit is not None]
    return min(limits)


def _started(session: Session, precision: Precision, *, resumed: bool) -> Started:
    parameters = session.method.named_parameters().values()
    return Started(
        method=session.config.method,
        step=session.step,
        total_steps=session.total_steps,
        epochs=session.facts.epochs,
        steps_per_epoch=session.steps_per_epoch,
        images=len(session.facts.data.pictures),
        regularisation_images=session.facts.data.class_images,
        trainable_parameters=sum(parameter.numel() for parameter in parameters),
        device=precision.device,
        precision=precision.compute,
        threads=precision.threads,
        engine_version=ENGINE_VERSION,
        resumed=resumed,
        buckets={f"{w}x{h}": count for (w, h), count in session.facts.data.buckets.items()},
        memory_estimate=precision.estimated_bytes,
    )
