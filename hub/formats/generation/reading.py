"""Generation data of a picture, whatever program and file type it comes from."""

from collections.abc import Mapping

from hub.formats.binary_source import BinarySource
from hub.formats.detection import FileType, detect_type
from hub.formats.generation import a1111, comfyui, fooocus, invokeai, novelai, swarmui
from hub.formats.generation.exif import (
    ExifText,
    parse_exif,
    read_jpeg_text,
    read_webp_text,
)
from hub.formats.generation.png import DEFAULT_LIMITS, TextLimits, read_png_text
from hub.formats.generation.types import GenerationData
from hub.formats.generation.values import parse_object

# Text chunks that are tried after those of A1111, ComfyUI and NovelAI.
OTHER_CHUNKS = ("invokeai_metadata", "Comment", "Description")
COMFY_PREFIXES = ("prompt:", "workflow:")


def read_generation_data(
    source: BinarySource, *, limits: TextLimits = DEFAULT_LIMITS
) -> GenerationData | None:
    """Read the generation data of a PNG, JPEG or WebP file; None if it has none.

    The type is told by content. Raises ImageMetadataError when a limit is passed or the texts are
    damaged.
    """
    file_type = detect_type(source)
    if file_type is FileType.PNG:
        png = read_png_text(source, limits=limits)
        exif = _exif_chunks(parse_exif(png.exif)) if png.exif else {}
        return from_chunks({**exif, **png.texts})
    if file_type is FileType.JPEG:
        return from_chunks(_exif_chunks(read_jpeg_text(source)))
    if file_type is FileType.WEBP:
        return from_chunks(_exif_chunks(read_webp_text(source)))
    return None


def from_chunks(chunks: Mapping[str, str]) -> GenerationData | None:
    """Read named texts, as PNG files hold them; the first parser that knows one wins."""
    found = (
        from_text(chunks.get("parameters", ""))
        or _comfy_chunks(chunks)
        or novelai.parse_novelai(chunks)
    )
    others = (from_text(chunks[name]) for name in OTHER_CHUNKS if name in chunks)
    return found or next((data for data in others if data is not None), None)


def from_text(text: str) -> GenerationData | None:
    """Read one text of any notation: a chunk, a UserComment, or what someone pasted."""
    stripped = text.strip("\0").strip()
    if stripped.startswith("{"):  # JSON, or a prompt that starts with alternatives
        found = (
            swarmui.parse_swarmui(stripped)
            or fooocus.parse_fooocus(stripped)
            or invokeai.parse_invokeai(stripped)
            or _comfy_text(stripped)
        )
        if found is not None:
            return found
    if a1111.looks_like_infotext(stripped):
        return a1111.parse_infotext(stripped)
    return None


def _comfy_chunks(chunks: Mapping[str, str]) -> GenerationData | None:
    prompt, workflow = chunks.get("prompt"), chunks.get("workflow")
    data = comfyui.parse_comfyui(prompt, workflow) if prompt else None
    return data or (comfyui.parse_workflow_only(workflow) if workflow else None)


def _comfy_text(text: str) -> GenerationData | None:
    """Read a graph, or an object that holds one under `prompt`, as pasted or from UserComment."""
    data = comfyui.parse_comfyui(text)
    if data is None and isinstance(parse_object(text).get("nodes"), list):
        return comfyui.parse_workflow_only(text)
    return data


def _exif_chunks(exif: ExifText) -> dict[str, str]:
    """Name EXIF texts like PNG chunks: ComfyUI stores `prompt:{...}` as the camera's make."""
    chunks: dict[str, str] = {}
    for text in (exif.make, exif.model, exif.image_description):
        for prefix in COMFY_PREFIXES:
            if text and text.lower().startswith(prefix):
                chunks.setdefault(prefix.rstrip(":"), text[len(prefix) :])
    if exif.user_comment:
        chunks["parameters"] = exif.user_comment
    if exif.image_description:
        chunks.setdefault("Description", exif.image_description)
    if exif.jpeg_comment:
        chunks.setdefault("Comment", exif.jpeg_comment)
    return chunks
