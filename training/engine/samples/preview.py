"""Samples while training: pictures with the generation data that our gallery and A1111 read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from hub.formats.generation.a1111 import emit_infotext
from hub.formats.generation.types import GenerationData, GenerationResource, ResourceKind
from training.engine.components import Components
from training.engine.config.train import TrainConfig
from training.engine.emphasis import networks_in
from training.engine.errors import BaseModelError, ConfigError
from training.engine.files.file_writing import whole_file
from training.engine.samples.applying import AppliedFile, applied
from training.engine.samples.prompts import PromptRequest
from training.engine.samples.resource_library import PromptFiles
from training.engine.samples.samplers import written_names
from training.engine.samples.sampling import Portion, make_pictures
from training.engine.text import TextConditioner
from training.engine.version import ENGINE_VERSION

RESOURCE_KINDS = {
    "lora": ResourceKind.LORA,
    "embedding": ResourceKind.EMBEDDING,
    "hypernetwork": ResourceKind.HYPERNETWORK,
}
HASH_WORDS = {
    ResourceKind.LORA: "lora",
    ResourceKind.EMBEDDING: "embed",
    ResourceKind.HYPERNETWORK: "hypernet",
}


@dataclass(frozen=True)
class TrainedFile:
    """The file whose weights a sample shows; `component` as in Method, empty for a checkpoint."""

    name: str
    hash: str
    component: str


def generation_data(
    request: PromptRequest,
    components: Components,
    config: TrainConfig,
    trained: TrainedFile | None,
    *,
    weight: float = 1.0,
    resources: tuple[GenerationResource, ...] = (),
) -> GenerationData:
    """Return what was asked for, with the model and what was trained named by their hashes.

    `resources` are the files that the prompt itself names.
    """
    whole_model = trained is not None and not trained.component
    model_name = trained.name if trained and whole_model else components.name
    model_hash = trained.hash[:10] if trained and whole_model else components.sha256[:10]
    prompt = request.prompt
    kind = RESOURCE_KINDS.get(trained.component) if trained else None
    if trained is not None and kind is not None and _acts(trained, request, config):
        weighted = kind is not ResourceKind.EMBEDDING
        if weighted:
            prompt = f"{prompt} <{kind.value}:{trained.name}:{weight:g}>"
        short = trained.hash[:12] or None
        own = GenerationResource(kind, trained.name, weight if weighted else None, short)
        resources = (*resources, own)
    sampler, schedule = written_names(request.sampler)
    resources = tuple(sorted(resources, key=lambda r: r.kind is ResourceKind.EMBEDDING))
    return GenerationData(
        prompt=prompt,
        negative_prompt=request.negative,
        steps=request.steps,
        sampler=sampler,
        schedule_type=schedule,
        cfg_scale=request.guidance,
        seed=request.seed,
        width=request.width,
        height=request.height,
        model=model_name or None,
        model_hash=model_hash or None,
        clip_skip=config.clip_skip if config.clip_skip > 1 else None,
        version=f"Atelier {ENGINE_VERSION}",
        resources=resources,
        hashes=_hashes(model_hash, resources),
        extra=_inpainting(request) | {"RNG": "CPU"},
        **_second_beginning(request),
    )


def with_words(request: PromptRequest, resources: Iterable[GenerationResource]) -> PromptRequest:
    """Return the request with the words of files that act whatever it says, behind its own."""
    words = [
        f"<{resource.kind.value}:{resource.name}:{resource.weight:g}>"
        for resource in resources
        if resource.weight is not None
    ]
    return replace(request, prompt=" ".join([request.prompt, *words]))


def _acts(trained: TrainedFile, request: PromptRequest, config: TrainConfig) -> bool:
    """Whether a file changes the picture: an embedding does where its word is in the prompts."""
    token = re.escape(config.textual_inversion.token)
    word = re.compile(rf"(?<!\w){token}(?!\w)", re.IGNORECASE)
    text = f"{request.prompt} {request.negative}"
    return trained.component != "embedding" or word.search(text) is not None


def _hashes(model_hash: str, resources: tuple[GenerationResource, ...]) -> dict[str, str]:
    """Return the hashes in one object, as Civitai's extension of A1111 writes them."""
    found = {"model": model_hash} if model_hash else {}
    for resource in resources:
        if resource.hash:
            found[f"{HASH_WORDS[resource.kind]}:{resource.name}"] = resource.hash
    return found


def _second_beginning(request: PromptRequest) -> dict[str, Any]:
    """Return what A1111 writes for img2img and for the hires fix."""
    if request.hires is not None:
        hires = request.hires
        return {
            "denoising_strength": hires.denoising,
            "hires_upscale": hires.scale,
            "hires_steps": hires.steps or None,
            "hires_upscaler": hires.upscaler,
        }
    return {"denoising_strength": request.start.denoising} if request.start else {}


def _inpainting(request: PromptRequest) -> dict[str, str]:
    masked = request.start is not None and request.start.mask is not None
    if not masked or request.start is None or not request.start.mask_blur:
        return {}
    return {"Mask blur": str(request.start.mask_blur)}


def save_picture(path: Path, picture: Image.Image, data: GenerationData) -> None:
    """Write a PNG whose `parameters` chunk holds the generation data."""
    info = PngInfo()
    info.add_itxt("parameters", emit_infotext(data))
    with whole_file(path) as beside:
        picture.save(beside, format="PNG", pnginfo=info)


@dataclass(frozen=True)
class SampleFolder:
    """Where samples go, whose weights they show, and who is told.

    `on_less(sentence)` hears where memory makes the passes smaller, `on_unfit` of a file that
    cannot be used. `always` are files in the weights of the base.
    """

    path_of: Callable[[int], Path]
    trained: TrainedFile | None
    on_sample: Callable[[int, PromptRequest, Path], None]
    on_less: Callable[[str], None] | None = None
    on_unfit: Callable[[str], None] | None = None
    always: tuple[GenerationResource, ...] = ()


def make_samples(
    components: Components,
    conditioner: TextConditioner,
    config: TrainConfig,
    requests: Mapping[int, PromptRequest],
    folder: SampleFolder,
    *,
    needs: Mapping[int, PromptFiles] | None = None,
) -> None:
    """Make the samples of these prompts (by their numbers), telling each as it is written.

    `needs` are the files that prompts name; they act beside the weights, without touching them, and
    those that cannot are left out. Raises OutOfMemoryError.
    """
    needs = needs or {}
    together: dict[tuple[AppliedFile, ...], list[int]] = {}
    for number in requests:
        together.setdefault(needs.get(number, PromptFiles()).files, []).append(number)
    for files, numbers in together.items():
        chosen = {number: requests[number] for number in numbers}
        if not files:
            _make(components, conditioner, config, chosen, folder, needs)
            continue
        with ExitStack() as acting:
            try:
                acting.enter_context(applied(components, files, beside=True))
            except (ConfigError, BaseModelError) as error:
                if folder.on_unfit is not None:
                    folder.on_unfit(f"{error} Samples are made without it.")
                _make(components, conditioner, config, chosen, folder, {})
                continue
            own = TextConditioner(components, clip_skip=config.clip_skip)
            _make(components, own, config, chosen, folder, needs)


def _make(
    components: Components,
    conditioner: TextConditioner,
    config: TrainConfig,
    requests: Mapping[int, PromptRequest],
    folder: SampleFolder,
    needs: Mapping[int, PromptFiles],
) -> None:
    """Make samples with what acts on the components at this moment."""
    numbers = list(requests)

    def keep(position: int, picture: Image.Image) -> None:
        number = numbers[position]
        request, path = requests[number], folder.path_of(number)
        named = needs.get(number) or PromptFiles(idle=tuple(networks_in(request.prompt)))
        shown = with_words(replace(request, prompt=named.shown(request.prompt)), folder.always)
        resources = (*named.resources, *folder.always)
        data = generation_data(shown, components, config, folder.trained, resources=resources)
        save_picture(path, picture, data)
        folder.on_sample(number, request, path)

    make_pictures(
        components,
        conditioner,
        list(requests.values()),
        on_picture=keep,
        portion=Portion(on_less=folder.on_less),
    )
