"""Generation data from NovelAI: text chunks `Description` (prompt) and `Comment` (JSON)."""

from collections.abc import Mapping

from hub.formats.generation.sampler_names import a1111_sampler, a1111_schedule
from hub.formats.generation.types import GenerationData, GenerationSource
from hub.formats.generation.values import parse_object, rest_as_text, to_float, to_int, to_text

USED = frozenset(
    {"prompt", "uc", "steps", "sampler", "noise_schedule", "scale", "seed", "width", "height"}
)


def parse_novelai(chunks: Mapping[str, str]) -> GenerationData | None:
    """Read a picture's text chunks; None if NovelAI did not write them."""
    comment = chunks.get("Comment", "")
    values = parse_object(comment)
    if chunks.get("Software") != "NovelAI" or not values:
        return None
    return GenerationData(
        prompt=to_text(values.get("prompt")) or chunks.get("Description", "").strip(),
        negative_prompt=to_text(values.get("uc")) or "",
        steps=to_int(values.get("steps")),
        sampler=a1111_sampler(to_text(values.get("sampler"))),
        schedule_type=a1111_schedule(to_text(values.get("noise_schedule"))),
        cfg_scale=to_float(values.get("scale")),
        seed=to_int(values.get("seed")),
        width=to_int(values.get("width")),
        height=to_int(values.get("height")),
        model=to_text(chunks.get("Source")),
        extra=rest_as_text(values, USED),
        source=GenerationSource.NOVELAI,
        raw=comment,
    )
