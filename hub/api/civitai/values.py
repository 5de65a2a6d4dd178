"""Small values in Civitai's spelling: dates, resource names, generation data, HTML."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import nh3
from markdown_it import MarkdownIt

from hub.formats.generation.a1111 import parse_infotext
from hub.formats.generation.types import GenerationData, GenerationResource
from models_registry.models.file import ModelFile
from models_registry.models.model import ModelType
from models_registry.models.version import ModelVersion

AIR_SOURCE = "atelier"
AIR_TYPES: Mapping[str, str] = {
    ModelType.CHECKPOINT: "checkpoint",
    ModelType.LORA: "lora",
    ModelType.LOCON: "lycoris",
    ModelType.DORA: "dora",
    ModelType.TEXTUAL_INVERSION: "embedding",
    ModelType.HYPERNETWORK: "hypernet",
    ModelType.VAE: "vae",
    ModelType.CONTROLNET: "controlnet",
    ModelType.UPSCALER: "upscaler",
    ModelType.MOTION_MODULE: "motion",
    ModelType.UNET: "unet",
}
TAGS = frozenset(
    {"p", "br", "hr", "strong", "em", "del", "code", "pre", "blockquote", "a", "ul", "ol", "li"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"}
)
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def instant(value: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and Z."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def number(value: Decimal | float | None) -> float | None:
    """A JSON number."""
    return None if value is None else float(value)


@lru_cache(maxsize=4096)  # a list of 100 models asks for the same texts again and again
def html(source: str) -> str | None:
    """Markdown as harmless HTML, None when there is none."""
    if not source.strip():
        return None
    rendered = _MARKDOWN.render(source)
    return nh3.clean(
        rendered, tags=set(TAGS), attributes={"a": {"href"}}, link_rel="nofollow noopener"
    ).strip()


def air(version: ModelVersion, file: ModelFile | None = None) -> str:
    """The resource name: `urn:air:{ecosystem}:{type}:{source}:{modelId}@{versionId}`."""
    ecosystem = version.base_model.ecosystem if version.base_model else "other"
    kind = AIR_TYPES.get(version.model.type, "other")
    name = f"urn:air:{ecosystem}:{kind}:{AIR_SOURCE}:{version.model_id}@{version.pk}"
    return f"{name}+{file.pk}" if file else name


def generation_meta(text: str) -> dict[str, Any] | None:
    """Generation data of a picture under the keys that Civitai's clients read; None without any."""
    if not text.strip():
        return None
    data = parse_infotext(text)
    meta: dict[str, Any] = {**data.extra}
    named = {
        "prompt": data.prompt,
        "negativePrompt": data.negative_prompt or None,
        "steps": data.steps,
        "sampler": data.sampler,
        "cfgScale": data.cfg_scale,
        "seed": data.seed,
        "width": data.width,
        "height": data.height,
        "Size": f"{data.width}x{data.height}" if data.width and data.height else None,
        "clipSkip": data.clip_skip,
        "Model": data.model,
        "Model hash": data.model_hash,
        "VAE": data.vae,
        "VAE hash": data.vae_hash,
        "Schedule type": data.schedule_type,
        "Denoising strength": data.denoising_strength,
        "Hires upscale": data.hires_upscale,
        "Hires steps": data.hires_steps,
        "Hires upscaler": data.hires_upscaler,
        "Version": data.version,
    }
    meta |= {name: value for name, value in named.items() if value is not None}
    if data.hashes:
        meta["hashes"] = dict(data.hashes)
    meta["resources"] = [*_resources(data)]
    return meta


def _resources(data: GenerationData) -> list[dict[str, Any]]:
    found = [_resource(item) for item in data.resources]
    if data.model:
        checkpoint: dict[str, Any] = {"type": "model", "name": data.model}
        if data.model_hash:
            checkpoint["hash"] = data.model_hash
        found.append(checkpoint)
    return found


def _resource(item: GenerationResource) -> dict[str, Any]:
    row: dict[str, Any] = {"type": item.kind.value, "name": item.name}
    if item.weight is not None:
        row["weight"] = item.weight
    if item.hash:
        row["hash"] = item.hash
    return row
