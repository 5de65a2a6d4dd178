import io
import json

import pytest
from PIL import Image

from hub.formats.errors import ImageMetadataError
from hub.formats.generation.a1111 import emit_infotext
from hub.formats.generation.png import TextLimits, write_png_text
from hub.formats.generation.reading import from_chunks, from_text, read_generation_data
from hub.formats.generation.types import GenerationSource
from tests.factories.formats import exif_image, png_bytes, png_with_chunk
from tests.hub.formats.generation.test_a1111 import CANONICAL
from tests.hub.formats.generation.test_comfyui import text_to_image
from tests.hub.formats.generation.test_dialects import SWARM

GRAPH = json.dumps(text_to_image())


def source_of(data: bytes) -> GenerationSource | None:
    found = read_generation_data(io.BytesIO(data))
    return found.source if found else None


def test_what_is_written_into_a_png_is_read_from_it(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png_bytes())
    write_png_text(path, path, {"parameters": CANONICAL})
    data = read_generation_data(path)
    assert data.raw == CANONICAL
    assert emit_infotext(data) == CANONICAL


@pytest.mark.parametrize("image_format", ["JPEG", "WEBP", "PNG"])
def test_an_infotext_in_exif_is_read(image_format):
    comment = b"UNICODE\0" + CANONICAL.encode("utf-16-be")
    data = read_generation_data(io.BytesIO(exif_image(image_format, {0x010F: "maker"}, comment)))
    assert emit_infotext(data) == CANONICAL


@pytest.mark.parametrize(
    ("texts", "source"),
    [
        ({"parameters": CANONICAL, "prompt": GRAPH}, GenerationSource.A1111),
        ({"prompt": GRAPH, "workflow": '{"nodes": []}'}, GenerationSource.COMFYUI),
        ({"workflow": '{"nodes": []}'}, GenerationSource.COMFYUI),
        ({"parameters": '{"nodes": []}'}, GenerationSource.COMFYUI),
        ({"parameters": GRAPH}, GenerationSource.COMFYUI),
        ({"parameters": json.dumps(SWARM)}, GenerationSource.SWARMUI),
        (
            {"parameters": '{"prompt": "x", "metadata_scheme": "fooocus"}'},
            GenerationSource.FOOOCUS,
        ),
        ({"parameters": '{"software": "RuinedFooocus"}'}, GenerationSource.RUINED_FOOOCUS),
        ({"Software": "NovelAI", "Comment": '{"steps": 1}'}, GenerationSource.NOVELAI),
        ({"invokeai_metadata": '{"positive_prompt": "x"}'}, GenerationSource.INVOKEAI),
        ({"Comment": CANONICAL}, GenerationSource.A1111),
        ({"Comment": "Created with GIMP", "prompt": "none"}, None),
        ({}, None),
    ],
)
def test_every_program_is_told_by_its_chunks(texts, source):
    assert source_of(png_bytes(texts)) is source


def test_comfyui_texts_in_camera_fields_are_read():
    data = exif_image("WEBP", {0x010F: f"prompt:{GRAPH}", 0x0110: 'workflow:{"nodes": []}'}, None)
    found = read_generation_data(io.BytesIO(data))
    assert found.source is GenerationSource.COMFYUI
    assert json.loads(found.raw)["workflow"] == {"nodes": []}


def test_descriptions_and_comments_of_a_jpeg_are_tried():
    assert source_of(exif_image("JPEG", {0x010E: "a\nSteps: 1, Seed: 2"}, None)) is (
        GenerationSource.A1111
    )
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3)).save(buffer, "JPEG", comment="a\nSteps: 1, Seed: 2")
    assert source_of(buffer.getvalue()) is GenerationSource.A1111


def test_files_of_other_types_have_no_data():
    assert source_of(b"GIF89a") is None
    assert source_of(b"") is None


def test_limits_are_passed_on():
    data = io.BytesIO(png_with_chunk(b"tEXt", b"parameters\0" + b"x" * 100))
    with pytest.raises(ImageMetadataError):
        read_generation_data(data, limits=TextLimits(max_text_bytes=50))


def test_pasted_text_is_read_too():
    assert from_text(f"  {GRAPH}\n").source is GenerationSource.COMFYUI
    assert from_text("{a|b} cat\nSteps: 1").prompt == "{a|b} cat"
    assert from_text("{}") is None
    assert from_text("a cat\nSteps: 1").steps == 1
    assert from_chunks({"parameters": "\0"}) is None
