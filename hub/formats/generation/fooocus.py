"""Generation data from Fooocus and RuinedFooocus: JSON in `parameters` or UserComment.

Fooocus can also write A1111 infotexts; those are read by the A1111 parser.
"""

from collections.abc import Iterator, Mapping

from hub.formats.generation.prompt_resources import collect_resources, networks_in_prompt
from hub.formats.generation.sampler_names import a1111_sampler, a1111_schedule
from hub.formats.generation.types import (
    GenerationData,
    GenerationResource,
    GenerationSource,
    ResourceKind,
)
from hub.formats.generation.values import (
    file_stem,
    parse_object,
    rest_as_text,
    to_float,
    to_int,
    to_size,
    to_text,
)

RUINED_SOFTWARE = "RuinedFooocus"
FOOOCUS_USED = frozenset(
    {
        *("prompt", "negative_prompt", "steps", "sampler", "scheduler", "guidance_scale", "seed"),
        *("resolution", "base_model", "base_model_hash", "vae", "loras", "version", "clip_skip"),
    }
)
RUINED_USED = frozenset(
    {
        *("Prompt", "Negative", "steps", "sampler_name", "scheduler", "cfg", "seed", "width"),
        *("height", "base_model_name", "base_model_hash", "loras", "clip_skip"),
    }
)


def parse_fooocus(text: str) -> GenerationData | None:
    """Read the JSON of either program; None if it is something else."""
    values = parse_object(text)
    if values.get("software") == RUINED_SOFTWARE:
        return _ruined(values, text)
    if "metadata_scheme" in values or {"base_model", "guidance_scale"} <= values.keys():
        return _fooocus(values, text)
    return None


def _fooocus(values: Mapping[str, object], raw: str) -> GenerationData:
    size = to_size(values.get("resolution"))
    model = to_text(values.get("base_model"))
    prompt = to_text(values.get("prompt")) or ""
    named = [*_fooocus_loras(values), *networks_in_prompt(prompt)]
    return GenerationData(
        prompt=prompt,
        negative_prompt=to_text(values.get("negative_prompt")) or "",
        steps=to_int(values.get("steps")),
        sampler=a1111_sampler(to_text(values.get("sampler"))),
        schedule_type=a1111_schedule(to_text(values.get("scheduler"))),
        cfg_scale=to_float(values.get("guidance_scale")),
        seed=to_int(values.get("seed")),
        width=size[0] if size else None,
        height=size[1] if size else None,
        model=file_stem(model) if model else None,
        model_hash=to_text(values.get("base_model_hash")),
        vae=to_text(values.get("vae")),
        clip_skip=to_int(values.get("clip_skip")),
        version=to_text(values.get("version")),
        resources=collect_resources(named, ()),
        extra=rest_as_text(values, FOOOCUS_USED | _lora_rows(values)),
        source=GenerationSource.FOOOCUS,
        raw=raw,
    )


def _ruined(values: Mapping[str, object], raw: str) -> GenerationData:
    model = to_text(values.get("base_model_name"))
    prompt = to_text(values.get("Prompt")) or ""
    return GenerationData(
        prompt=prompt,
        negative_prompt=to_text(values.get("Negative")) or "",
        steps=to_int(values.get("steps")),
        sampler=a1111_sampler(to_text(values.get("sampler_name"))),
        schedule_type=a1111_schedule(to_text(values.get("scheduler"))),
        cfg_scale=to_float(values.get("cfg")),
        seed=to_int(values.get("seed")),
        width=to_int(values.get("width")),
        height=to_int(values.get("height")),
        model=file_stem(model) if model else None,
        model_hash=to_text(values.get("base_model_hash")),
        clip_skip=to_int(values.get("clip_skip")),
        resources=collect_resources([*_ruined_loras(values), *networks_in_prompt(prompt)], ()),
        extra=rest_as_text(values, RUINED_USED),
        source=GenerationSource.RUINED_FOOOCUS,
        raw=raw,
    )


def _fooocus_loras(values: Mapping[str, object]) -> Iterator[GenerationResource]:
    """Yield `loras` rows [name, weight, hash] and `lora_combined_1` texts "name : weight"."""
    rows = values.get("loras")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, list) and row and to_text(row[0]):
            weight, digest = [*row[1:3], None, None][:2]
            yield _lora(str(row[0]), to_float(weight), to_text(digest))
    for key in sorted(_lora_rows(values)):
        name, _, weight = str(values[key]).rpartition(" : ")
        if name.strip():
            yield _lora(name, to_float(weight), None)


def _lora_rows(values: Mapping[str, object]) -> frozenset[str]:
    return frozenset(key for key in values if key.startswith("lora_combined_"))


def _ruined_loras(values: Mapping[str, object]) -> Iterator[GenerationResource]:
    """Yield rows [hash, "weight - name"]."""
    rows = values.get("loras")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, list) and len(row) == 2 and isinstance(row[1], str):
            weight, dash, name = row[1].partition(" - ")
            if dash and name.strip():
                yield _lora(name, to_float(weight), to_text(row[0]))


def _lora(name: str, weight: float | None, digest: str | None) -> GenerationResource:
    return GenerationResource(ResourceKind.LORA, file_stem(name.strip()), weight, digest)
