"""Drawing from a base model: the one way that the program, its tools and the grids go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from hub.formats.generation.types import GenerationData
from training.engine.components import Components, load_components
from training.engine.config.prompt_lines import kept_lines
from training.engine.config.train import TrainConfig
from training.engine.files.base_files import family_at
from training.engine.files.file_writing import file_hash
from training.engine.machine.precision import (
    choose,
    describe_machine,
    set_threads,
    without_denormals,
)
from training.engine.samples.applying import AppliedFile, applied
from training.engine.samples.preview import generation_data, save_picture, with_words
from training.engine.samples.prompts import PromptRequest, parse_prompt
from training.engine.samples.resource_library import PromptFiles, ResourceLibrary
from training.engine.samples.sampling import make_pictures
from training.engine.text import TextConditioner

NATIVE_PIXELS = {"tiny": 128, "sdxl": 1024}
USUAL_PIXELS = 512


@dataclass(frozen=True)
class DrawnPicture:
    """A picture that was made; `number` is the place of its request."""

    number: int
    request: PromptRequest
    path: Path
    data: GenerationData


@dataclass(frozen=True)
class BaseChoice:
    """A base model to draw from; an empty name takes the file's, an empty hash is computed."""

    path: Path
    name: str = ""
    sha256: str = ""
    vae: Path | None = None
    clip_skip: int = 1
    pixels: int = 0
    sampling: dict[str, Any] = field(default_factory=dict)


def open_base(choice: BaseChoice) -> tuple[TrainConfig, Components]:
    """Load a base model for drawing; raises BaseModelError or ConfigError in words.

    The side of a picture, where none is asked for, is 128 px for the bundled base, 1024 for SDXL
    and 512 otherwise.
    """
    family = family_at(choice.path) if choice.path.exists() else ""
    sha256 = choice.sha256 or (file_hash(choice.path) if choice.path.is_file() else "")
    config = TrainConfig.parse(
        {
            "base_model": {
                "path": str(choice.path),
                "name": choice.name or choice.path.stem,
                "sha256": sha256,
                "architecture": family or "auto",
                "vae_path": str(choice.vae or ""),
            },
            "resolution": choice.pixels or NATIVE_PIXELS.get(family, USUAL_PIXELS),
            "clip_skip": choice.clip_skip,
            "sampling": choice.sampling,
        }
    ).resolved()
    precision = choose(describe_machine(measure_bf16=False))
    set_threads(precision)
    return config, load_components(config, precision)


def requests_of(lines: Sequence[str], config: TrainConfig) -> list[PromptRequest]:
    """Read prompt lines in kohya's form; empty ones and comments (#) are left out."""
    kept = enumerate(kept_lines(list(lines)))
    return [parse_prompt(line, config, number) for number, line in kept]


@without_denormals()
def draw(
    components: Components,
    config: TrainConfig,
    requests: Sequence[PromptRequest],
    *,
    path_of: Callable[[int], Path],
    on_picture: Callable[[DrawnPicture], None],
    library: ResourceLibrary | None = None,
    always: Sequence[AppliedFile] = (),
) -> list[DrawnPicture]:
    """Make a picture for each request, with the files that its prompt names, and save it.

    Requests with the same files are made together, so that each file is read once; pictures are
    told as they are saved, and returned in the order of the requests. `always` are files that act
    on all of them, named in the generation data as if the prompts named them.
    """
    known = library or ResourceLibrary()
    together: dict[tuple[AppliedFile, ...], list[int]] = {}
    needed = [known.needed_by(request.prompt, request.negative) for request in requests]
    for number, needs in enumerate(needed):
        together.setdefault(needs.files, []).append(number)
    done: list[DrawnPicture] = []
    extra = tuple(known.resource(file) for file in always)

    def keep(number: int, picture: Image.Image) -> None:
        request = requests[number]
        data = _data(request, components, config, needed[number], PromptFiles(tuple(always), extra))
        save_picture(path_of(number), picture, data)
        done.append(DrawnPicture(number, request, path_of(number), data))
        on_picture(done[-1])

    for files, numbers in together.items():
        with applied(components, [*always, *files]):
            conditioner = TextConditioner(components, clip_skip=config.clip_skip)
            chosen = [requests[number] for number in numbers]
            by_place = partial(_by_place, numbers, keep)
            make_pictures(components, conditioner, chosen, on_picture=by_place)
    return sorted(done, key=lambda picture: picture.number)


def _by_place(
    numbers: list[int],
    keep: Callable[[int, Image.Image], None],
    place: int,
    picture: Image.Image,
) -> None:
    keep(numbers[place], picture)


def _data(
    request: PromptRequest,
    components: Components,
    config: TrainConfig,
    named: PromptFiles,
    always: PromptFiles,
) -> GenerationData:
    shown = with_words(request, always.resources)
    resources = (*named.resources, *always.resources)
    return generation_data(shown, components, config, None, resources=resources)
