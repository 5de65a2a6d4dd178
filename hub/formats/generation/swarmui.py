"""Generation data from SwarmUI: JSON with `sui_image_params` in `parameters` or UserComment."""

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
    to_mapping,
    to_text,
)

MARKER = "sui_image_params"
HASH_DIGITS = 12
USED = frozenset(
    {
        *("prompt", "negativeprompt", "steps", "sampler", "scheduler", "cfgscale", "seed"),
        *("width", "height", "model", "vae", "loras", "loraweights", "swarm_version"),
    }
)


def parse_swarmui(text: str) -> GenerationData | None:
    """Read SwarmUI's JSON; None if it is something else."""
    document = parse_object(text)
    params = to_mapping(document.get(MARKER))
    if not params:
        return None
    hashes = dict(_hashes(document))
    model = to_text(params.get("model"))
    prompt = to_text(params.get("prompt")) or ""
    named = [*_loras(params, hashes), *networks_in_prompt(prompt)]
    return GenerationData(
        prompt=prompt,
        negative_prompt=to_text(params.get("negativeprompt")) or "",
        steps=to_int(params.get("steps")),
        sampler=a1111_sampler(to_text(params.get("sampler"))),
        schedule_type=a1111_schedule(to_text(params.get("scheduler"))),
        cfg_scale=to_float(params.get("cfgscale")),
        seed=to_int(params.get("seed")),
        width=to_int(params.get("width")),
        height=to_int(params.get("height")),
        model=file_stem(model) if model else None,
        model_hash=hashes.get(file_stem(model)) if model else None,
        vae=to_text(params.get("vae")),
        version=to_text(params.get("swarm_version")),
        resources=collect_resources(named, ()),
        extra=rest_as_text(params, USED) | rest_as_text(document, {MARKER}),
        source=GenerationSource.SWARMUI,
        raw=text,
    )


def _hashes(document: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield file names with the tensor hashes (`0x...`) that SwarmUI lists for them."""
    models = document.get("sui_models")
    for entry in models if isinstance(models, list) else ():
        name = to_text(to_mapping(entry).get("name"))
        digest = to_text(to_mapping(entry).get("hash"))
        if name and digest:
            yield file_stem(name), digest.removeprefix("0x")[:HASH_DIGITS]


def _loras(params: Mapping[str, object], hashes: Mapping[str, str]) -> Iterator[GenerationResource]:
    weights = _listed(params.get("loraweights"))
    for index, item in enumerate(_listed(params.get("loras"))):
        name = to_text(item)
        if name:
            weight = to_float(weights[index]) if index < len(weights) else None
            stem = file_stem(name)
            yield GenerationResource(ResourceKind.LORA, stem, weight, hashes.get(stem))


def _listed(value: object) -> list[object]:
    """Newer versions write a list, older ones a text with commas."""
    if isinstance(value, str):
        return [*value.split(",")]
    return value if isinstance(value, list) else []
