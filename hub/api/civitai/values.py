"""Small values in Civitai's spelling: dates, resource names, generation data, HTML."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import nh3
from markdown_it import MarkdownIt

from hub.core.kept_texts import KeptTexts
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
#: A list of 100 models prints some 350 texts; deep in a large hub nearly all of them differ.
KEPT_CHARACTERS = 16_000_000
#: One line without a sign that means anything in Markdown: nothing to parse.
PLAIN_LINE = re.compile(r"[^\W\d_]+(?:[ ,.;:?!()'/%-]+[^\W_]+)*[.?!)]?")
#: HTML that a sanitiser would give back as it is: of tags without attributes, and without entities.
PLAIN_HTML = re.compile(
    r"(?:[^<>&\xa0\x00-\x09\x0b-\x1f]++|</?(?:p|strong|em|code|ul|ol|li|blockquote|h[1-6])>)*+"
)
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def instant(value: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and Z."""
    if value is None:
        return None
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def number(value: Decimal | float | None) -> float | None:
    """A JSON number."""
    return None if value is None else float(value)


def html(source: str) -> str | None:
    """Markdown as harmless HTML, None when there is none."""
    return _kept_html(source) if source else None


def _rendered(source: str) -> str | None:
    if not source.strip():
        return None
    if PLAIN_LINE.fullmatch(source):
        return f"<p>{source}</p>"
    rendered = _MARKDOWN.render(source)
    if PLAIN_HTML.fullmatch(rendered):
        return rendered.strip()
    return nh3.clean(
        rendered, tags=set(TAGS), attributes={"a": {"href"}}, link_rel="nofollow noopener"
    ).strip()


_kept_html = KeptTexts(_rendered, most_characters=KEPT_CHARACTERS)


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
