import io
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hub.formats.detection import IMAGE_TYPES, PICKLE_TYPES, FileType, detect_type
from tests.factories.formats import framed, png_bytes, safetensors_bytes, zip_bytes


def detect(data: bytes) -> FileType:
    return detect_type(io.BytesIO(data))


def saved_image(image_format: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(buffer, image_format)
    return buffer.getvalue()


def torch_bytes(value: object, *, legacy: bool = False) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("image_format", "expected"),
    [
        ("PNG", FileType.PNG),
        ("JPEG", FileType.JPEG),
        ("WEBP", FileType.WEBP),
        ("AVIF", FileType.AVIF),
        ("GIF", FileType.GIF),
    ],
)
def test_pictures_are_told_by_content(image_format, expected):
    assert detect(saved_image(image_format)) is expected
    assert expected in IMAGE_TYPES


def test_model_files_are_told_by_content():
    assert detect(safetensors_bytes({"a": ("U8", (3,))})) is FileType.SAFETENSORS
    assert detect(torch_bytes({"a": torch.ones(2)})) is FileType.TORCH_ZIP
    assert detect(torch_bytes({"a": torch.ones(2)}, legacy=True)) is FileType.TORCH_LEGACY
    assert detect(pickle.dumps({"a": 1})) is FileType.PICKLE
    assert detect(b"GGUF\x03\0\0\0") is FileType.GGUF
    assert detect(zip_bytes({"a.png": b"x"})) is FileType.ZIP
    assert detect(b"PK\x03\x04 but cut off") is FileType.ZIP
    assert FileType.TORCH_LEGACY in PICKLE_TYPES


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", FileType.MP4),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", FileType.AVIF),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", FileType.UNKNOWN),
        (b"\x1a\x45\xdf\xa3webm", FileType.WEBM),
        (b"RIFF\0\0\0\0WAVE", FileType.UNKNOWN),
        (framed(b"{}")[:-1], FileType.UNKNOWN),
        (b"\x80\x09.", FileType.UNKNOWN),
        (b"<html>", FileType.UNKNOWN),
        (b"", FileType.UNKNOWN),
    ],
)
def test_other_starts_are_told_apart(data, expected):
    assert detect(data) is expected


def test_a_name_does_not_matter(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(png_bytes())
    assert detect_type(path) is FileType.PNG


@given(st.binary(max_size=100))
def test_any_bytes_have_a_type(data):
    assert detect(data) in FileType
