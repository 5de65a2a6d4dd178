"""Generation data from InvokeAI (3 and later): the text chunk `invokeai_metadata`."""

from collections.abc import Iterator, Mapping

from hub.formats.generation.sampler_names import a1111_sampler
from hub.formats.generation.types import (
    GenerationData,
    GenerationResource,
    GenerationSource,
    ResourceKind,
)
from hub.formats.generation.values import (
    parse_object,
    rest_as_text,
    to_float,
    to_int,
    to_mapping,
    to_text,
)

USED = frozenset(
    {
        *("positive_prompt", "negative_prompt", "steps", "scheduler", "cfg_scale", "seed"),
        *("width", "height", "loras", "app_version", "clip_skip", "strength"),
    }
)
# A scheduler name of InvokeAI ends in the noise schedule.
KARRAS_SUFFIX = "_k"


def parse_invokeai(text: str) -> GenerationData | None:
    """Read the JSON of the chunk; None if it is something else."""
    values = parse_object(text)
    if "positive_prompt" not in values:
        return None
    model, vae = to_mapping(values.get("model")), to_mapping(values.get("vae"))
    scheduler = to_text(values.get("scheduler"))
    is_karras = scheduler is not None and scheduler.endswith(KARRAS_SUFFIX)
    return GenerationData(
        prompt=to_text(values.get("positive_prompt")) or "",
        negative_prompt=to_text(values.get("negative_prompt")) or "",
        steps=to_int(values.get("steps")),
        sampler=a1111_sampler(scheduler.removesuffix(KARRAS_SUFFIX) if scheduler else None),
        schedule_type="Karras" if is_karras else None,
        cfg_scale=to_float(values.get("cfg_scale")),
        seed=to_int(values.get("seed")),
        width=to_int(values.get("width")),
        height=to_int(values.get("height")),
        model=_name(model),
        model_hash=_digest(model),
        vae=_name(vae),
        denoising_strength=to_float(values.get("strength")),
        clip_skip=to_int(values.get("clip_skip")),
        version=to_text(values.get("app_version")),
        resources=tuple(_loras(values)),
        extra=rest_as_text(values, USED),
        source=GenerationSource.INVOKEAI,
        raw=text,
    )


def _loras(values: Mapping[str, object]) -> Iterator[GenerationResource]:
    rows = values.get("loras")
    for row in rows if isinstance(rows, list) else ():
        entry = to_mapping(row)
        model = to_mapping(entry.get("model") or entry.get("lora"))
        name = _name(model)
        if name:
            weight = to_float(entry.get("weight"))
            yield GenerationResource(ResourceKind.LORA, name, weight, _digest(model))


def _name(model: Mapping[str, object]) -> str | None:
    return to_text(model.get("name")) or to_text(model.get("model_name"))


def _digest(model: Mapping[str, object]) -> str | None:
    """Return the hash without its algorithm: InvokeAI writes `blake3:...`."""
    stated = to_text(model.get("hash"))
    return stated.rpartition(":")[2] if stated else None
