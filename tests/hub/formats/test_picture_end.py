"""Where pictures end, and what may follow."""

import io

import pytest
from PIL import Image

from hub.formats.disguises import DisguiseError
from hub.formats.picture_end import picture_length
from tests.factories.formats import png_with_chunk, zip_bytes
from tests.factories.phone_pictures import (
    jpeg_bytes,
    phone_jpegs,
    samsung_trailer,
    video_bytes,
)

WRITTEN = {
    "png": ("PNG", {}),
    "jpeg": ("JPEG", {}),
    "progressive": ("JPEG", {"progressive": True}),
    "webp": ("WEBP", {}),
    "avif": ("AVIF", {}),
    "gif": ("GIF", {"save_all": True, "append_images": [Image.new("P", (31, 21))]}),
    "bmp": ("BMP", {}),
}


def _length(data: bytes) -> int:
    return picture_length(io.BytesIO(data))


def _written(kind: str) -> bytes:
    buffer = io.BytesIO()
    image_format, options = WRITTEN[kind]
    Image.effect_noise((31, 21), 90).convert("RGB").save(buffer, image_format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", WRITTEN)
def test_a_picture_ends_where_its_format_says(kind: str) -> None:
    data = _written(kind)
    assert _length(data) == len(data)
    assert _length(data + b"\0\0\n") == len(data)
    with pytest.raises(DisguiseError, match="4 bytes that do not belong"):
        _length(data + b"evil")


@pytest.mark.parametrize("behind", phone_jpegs())
def test_what_phones_write_behind_a_jpeg_may_be_cut_off(behind: str) -> None:
    data = phone_jpegs()[behind]
    length = _length(data)
    assert data[length - 2 : length] == b"\xff\xd9"
    with Image.open(io.BytesIO(data[:length])) as picture:
        picture.load()
        assert picture.size == (20, 16)
    assert (length == len(data)) == (behind == "nothing")


@pytest.mark.parametrize(
    "tail",
    [
        video_bytes() + b"#!/bin/sh",
        jpeg_bytes() + b"echo",
        b"#!/bin/sh" + samsung_trailer({b"a": b"b"}),
        samsung_trailer({b"a": b"b"})[:-1],
        jpeg_bytes()[:-2],
        video_bytes() + b"Rar!\x1a\x07\x00",
        zip_bytes({"a.txt": b"a"}),
    ],
    ids=["video", "picture", "facts", "half facts", "half a picture", "rar", "zip"],
)
def test_other_things_do_not_hide_behind_a_phones(tail: bytes) -> None:
    with pytest.raises(DisguiseError):
        _length(jpeg_bytes() + tail)


def test_only_a_jpeg_has_something_behind_it() -> None:
    with pytest.raises(DisguiseError, match="do not belong"):
        _length(_written("png") + video_bytes())


def test_a_hidden_archive_is_found_where_two_looks_meet(monkeypatch) -> None:
    monkeypatch.setattr("hub.formats.picture_end.LOOK_BYTES", 64)
    for filling in range(64):
        data = png_with_chunk(b"teXt", b"." * filling + b"7z\xbc\xaf\x27\x1c")
        with pytest.raises(DisguiseError, match="7z"):
            _length(data)


def test_a_jpeg_that_breaks_off_and_what_is_no_picture_are_taken_whole() -> None:
    cut = _written("jpeg")[:-2]
    assert _length(cut) == len(cut)
    assert _length(b"BM") == 2
    assert _length(b"just words") == 10
