"""The keys of an A1111 infotext that have fields of their own, and how they are read."""

from collections.abc import Callable, Mapping

from hub.formats.generation.types import ResourceKind
from hub.formats.generation.values import to_float, to_int

NEGATIVE = "Negative prompt:"
STEPS = "Steps: "
SIZE = "Size"
HASHES = "Hashes"
EXACT = "Exact fields"
TRAILING = "Trailing text"
HASH_LISTS: Mapping[str, ResourceKind] = {
    "Lora hashes": ResourceKind.LORA,
    "TI hashes": ResourceKind.EMBEDDING,
}


def plain_text(value: str) -> str | None:
    """Take any text but the empty one."""
    return value or None


# Label, field and reader, in the order in which the keys are written.
FIELDS: tuple[tuple[str, str, Callable[[str], object]], ...] = (
    ("Steps", "steps", to_int),
    ("Sampler", "sampler", plain_text),
    ("Schedule type", "schedule_type", plain_text),
    ("CFG scale", "cfg_scale", to_float),
    ("Seed", "seed", to_int),
    ("Model hash", "model_hash", plain_text),
    ("Model", "model", plain_text),
    ("VAE hash", "vae_hash", plain_text),
    ("VAE", "vae", plain_text),
    ("Denoising strength", "denoising_strength", to_float),
    ("Clip skip", "clip_skip", to_int),
    ("Hires upscale", "hires_upscale", to_float),
    ("Hires steps", "hires_steps", to_int),
    ("Hires upscaler", "hires_upscaler", plain_text),
    ("Version", "version", plain_text),
)
READERS = {label: (field, reader) for label, field, reader in FIELDS}
ANCHORS = frozenset({*READERS, SIZE})
