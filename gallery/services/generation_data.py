"""Generation data of a picture: read from the file or from a text, kept, and given back as text."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from django.conf import settings

from gallery.models import Generation, Image
from gallery.models.generation import Process
from gallery.prompt_words import keep_words
from hub.formats.errors import ImageMetadataError
from hub.formats.generation import reading
from hub.formats.generation.a1111 import emit_infotext, parse_infotext
from hub.formats.generation.json_form import from_json, to_json
from hub.formats.generation.png import TextLimits
from hub.formats.generation.types import GenerationData, GenerationSource
from models_registry.search_text import prompt_words

logger = logging.getLogger(__name__)

BIGGEST_INTEGER = 2**31 - 1
BIGGEST_SMALL = 2**15 - 1
#: A tsvector holds a megabyte; a prompt may be longer, and nobody looks for its end.
PROMPT_CHARACTERS = 20_000


@dataclass(frozen=True)
class ReadGeneration:
    """What was found: the text as it stood there, and what it says."""

    text: str
    data: GenerationData


def read_generation_data(path: Path) -> ReadGeneration | None:
    """Generation data of a picture file; None when it carries none that can be read.

    Texts beyond GENERATION_TEXT_MAX_BYTES are not read: the picture is shown without them.
    """
    limits = TextLimits(max_text_bytes=settings.GENERATION_TEXT_MAX_BYTES)
    try:
        data = reading.read_generation_data(path, limits=limits)
    except ImageMetadataError as error:
        logger.info("No generation data: %s", error.code)
        return None
    return _storable(data) if data is not None else None


def read_generation_text(text: str) -> ReadGeneration:
    """What a text says, in whatever notation; one without settings is all prompt."""
    return _storable(reading.from_text(text) or parse_infotext(text.strip()))


def generation_text_of(image: Image) -> str:
    """The picture's data as the text that A1111 and others read; "" when it has none.

    Parsed again, the text gives the same data, whichever program made the picture.
    """
    generation = getattr(image, "generation", None)
    return generation.copy_text if generation is not None else ""


def generation_data_of(image: Image) -> GenerationData | None:
    """The picture's data; None when it has none."""
    generation = getattr(image, "generation", None)
    return from_json(generation.data) if generation is not None else None


def keep_given_text(image: Image, text: str) -> Generation:
    """Keep the text that came with a post; it wins over what the file says."""
    image.has_generation_data = True
    image.save(update_fields=["has_generation_data", "updated_at"])
    return keep_generation(image, read_generation_text(text), is_given=True)


def keep_generation(image: Image, found: ReadGeneration, *, is_given: bool = False) -> Generation:
    """Write the picture's row of generation data; twice is the same as once."""
    data = found.data
    generation, _made = Generation.objects.update_or_create(
        image=image,
        defaults={
            "source": data.source.value,
            "text": found.text,
            "data": to_json(replace(data, raw="")),
            "copy_text": copy_text_of(found),
            "is_given": is_given,
            "prompt": data.prompt,
            "search_words": prompt_words(data.prompt, most=PROMPT_CHARACTERS),
            "negative_prompt": data.negative_prompt,
            "sampler": (data.sampler or "")[:80],
            "steps": _bounded(data.steps, BIGGEST_INTEGER),
            "cfg_scale": data.cfg_scale,
            "seed": None if data.seed is None else Decimal(data.seed),
            "width": _bounded(data.width, BIGGEST_INTEGER),
            "height": _bounded(data.height, BIGGEST_INTEGER),
            "clip_skip": _bounded(data.clip_skip, BIGGEST_SMALL),
            "denoising_strength": data.denoising_strength,
            "model_name": (data.model or "")[:255],
            "model_hash": (data.model_hash or "")[:64],
            "process": process_of(data),
        },
    )
    keep_words(image.pk)
    return generation


def copy_text_of(found: ReadGeneration) -> str:
    """The text to copy: A1111's own as it stands where it reads back equal, else written anew."""
    if found.data.source is GenerationSource.A1111 and parse_infotext(found.text) == found.data:
        return found.text
    return emit_infotext(found.data)


def process_of(data: GenerationData) -> Process:
    """How the picture came about, guessed from the keys that only one way of making one writes."""
    if any(key in data.extra for key in ("Mask blur", "Inpaint area", "Masked content")):
        return Process.INPAINTING
    hires = data.hires_upscale is not None or data.hires_upscaler is not None
    if hires or any(key.startswith("Hires") for key in data.extra):
        return Process.TXT2IMG_HIRES
    if data.denoising_strength is not None and data.denoising_strength < 1:
        return Process.IMG2IMG
    return Process.TXT2IMG


def _storable(data: GenerationData) -> ReadGeneration:
    """The same without what PostgreSQL cannot hold: NUL and half of a surrogate pair."""
    clean = _clean(to_json(replace(data, raw="")))
    if not isinstance(clean, Mapping):
        raise TypeError("to_json gives an object")
    return ReadGeneration(text=_clean_text(data.raw).strip(), data=from_json(clean))


def _clean(value: object) -> object:
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, Mapping):
        return {_clean_text(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def _clean_text(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _bounded(value: int | None, most: int) -> int | None:
    return value if value is not None and 0 <= value <= most else None
