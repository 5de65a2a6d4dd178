"""Class pictures for prior preservation, made with the base model where too few are given.

A class picture depends only on the base model, its prompt, its number and how it is sampled, so
runs share them through the cache.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from training.engine import randomness
from training.engine.components import Components
from training.engine.config.train import TrainConfig
from training.engine.data.manifest import ManifestImage
from training.engine.errors import ConfigError
from training.engine.files.file_writing import file_hash, whole_file
from training.engine.samples.prompts import PromptRequest
from training.engine.samples.sampling import Portion, make_pictures
from training.engine.text import TextConditioner

Progress = Callable[[int, int], None]


def class_images(
    config: TrainConfig,
    components: Components,
    *,
    given: tuple[ManifestImage, ...],
    class_prompt: str | None,
    cache_dir: Path,
    on_progress: Progress,
    on_less: Callable[[str], None],
) -> list[ManifestImage]:
    """Return the class pictures of a run: the given ones, then made ones up to the number asked.

    `on_less(sentence)` is told where memory makes the passes smaller. Raises ConfigError where
    pictures have to be made and there is no prompt for them, OutOfMemoryError.
    """
    missing = config.prior.images - len(given)
    if missing <= 0:
        return list(given)
    prompts = config.prior.prompts or ([class_prompt] if class_prompt else [])
    if not prompts:
        raise ConfigError(
            "Prior preservation has too few class pictures and no class prompt to make them with. "
            "Give the data set a class prompt, or turn prior preservation off."
        )
    requests = [_request(config, prompts, number) for number in range(missing)]
    folder = cache_dir / "class_images" / _base_key(components)
    made = {n: _path(folder, request) for n, request in enumerate(requests)}
    absent = [number for number, path in made.items() if not path.exists()]
    done = 0

    def keep(position: int, picture: Image.Image) -> None:
        nonlocal done
        with whole_file(made[absent[position]]) as beside:
            picture.save(beside, format="PNG")
        done += 1
        on_progress(done, len(absent))

    conditioner = TextConditioner(components, clip_skip=config.clip_skip)
    make_pictures(
        components,
        conditioner,
        [requests[n] for n in absent],
        on_picture=keep,
        portion=Portion(on_less=on_less),
    )
    return [*given, *(_manifest_image(made[n], r) for n, r in enumerate(requests))]


def _request(config: TrainConfig, prompts: list[str], number: int) -> PromptRequest:
    return PromptRequest(
        prompt=prompts[number % len(prompts)],
        negative="",
        width=config.resolution,
        height=config.resolution,
        steps=config.prior.steps,
        guidance=config.prior.guidance,
        seed=randomness.torch_seed(0, "class image", number) % 2**32,
        sampler="DPM++ 2M",
    )


def _base_key(components: Components) -> str:
    if components.changed_by and components.identity:
        return hashlib.sha256(components.identity.encode()).hexdigest()[:16]
    if components.sha256:
        return components.sha256[:16]
    return components.fingerprint("unet", components.unet)[:16]


def _path(folder: Path, request: PromptRequest) -> Path:
    text = json.dumps([request.prompt, request.width, request.height, request.steps,
                       request.guidance, request.seed, request.sampler])  # fmt: skip
    return folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.png"


def _manifest_image(path: Path, request: PromptRequest) -> ManifestImage:
    return ManifestImage(
        id=f"class-{path.stem[:12]}",
        path=path,
        sha256=file_hash(path),
        caption=request.prompt,
        width=request.width,
        height=request.height,
        regularisation=True,
    )
