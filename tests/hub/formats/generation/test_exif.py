import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hub.formats.generation.exif import (
    ExifText,
    decode_user_comment,
    parse_exif,
    read_jpeg_text,
    read_webp_text,
)
from tests.factories.formats import exif_image

TEXT = "水墨 a cat\nSteps: 20"
READERS = {"JPEG": read_jpeg_text, "WEBP": read_webp_text}


@pytest.mark.parametrize("image_format", ["JPEG", "WEBP"])
@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + TEXT.encode("utf-16-be"),
        b"UNICODE\0" + TEXT.encode("utf-16-le"),
        b"UNICODE\0" + TEXT.encode("utf-16"),
        b"ASCII\0\0\0" + TEXT.encode(),
        b"UTF8\0\0\0\0" + TEXT.encode(),
        b"\0" * 8 + TEXT.encode(),
    ],
)
def test_user_comments_of_every_character_set_are_read(image_format, comment):
    data = exif_image(image_format, {0x010F: "prompt:{}", 0x010E: "words"}, comment)
    found = READERS[image_format](io.BytesIO(data))
    assert found.user_comment == TEXT
    assert (found.make, found.image_description, found.model) == ("prompt:{}", "words", None)


def test_comments_without_prefix_are_guessed():
    assert decode_user_comment(TEXT.encode()) == TEXT
    assert decode_user_comment("a cat, Steps: 20".encode("utf-16-le")) == "a cat, Steps: 20"
    assert decode_user_comment("a cat, Steps: 20".encode("utf-16-be")) == "a cat, Steps: 20"


def test_utf16_without_zero_bytes_follows_the_order_of_the_block():
    assert decode_user_comment(b"UNICODE\0" + "水墨".encode("utf-16-le"), "little") == "水墨"
    assert decode_user_comment(b"UNICODE\0" + "水墨".encode("utf-16-be"), "big") == "水墨"


@pytest.mark.parametrize("value", [b"", b"ASCII\0\0\0", b"UNICODE\0\0\0", b"\0" * 8])
def test_empty_comments_are_none(value):
    assert decode_user_comment(value) is None


def test_a_comment_segment_of_a_jpeg_is_read():
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3)).save(buffer, "JPEG", comment="made by hand")
    assert read_jpeg_text(buffer).jpeg_comment == "made by hand"


def test_other_segments_are_skipped_and_the_first_comment_wins():
    xmp = b"\xff\xe1" + struct.pack(">H", 6) + b"http"
    comments = b"\xff\xfe\0\4hi\xff\xfe\0\4no"
    found = read_jpeg_text(io.BytesIO(b"\xff\xd8" + xmp + comments))
    assert found == ExifText(jpeg_comment="hi")


def test_pictures_without_texts_give_nothing():
    for image_format, reader in READERS.items():
        buffer = io.BytesIO()
        Image.new("RGB", (4, 3)).save(buffer, image_format)
        assert reader(buffer) == ExifText()


def test_both_byte_orders_and_short_values_are_read():
    for mark, order in ((b"II", "<"), (b"MM", ">")):
        entry = struct.pack(f"{order}HHI4s", 0x0110, 2, 3, b"abc\0")
        block = mark + struct.pack(f"{order}HIH", 42, 8, 1) + entry
        assert parse_exif(b"Exif\0\0" + block).model == "abc"
        assert parse_exif(block).model == "abc"


def test_entries_that_point_nowhere_count_as_absent():
    entry = struct.pack("<HHII", 0x0110, 2, 50, 1 << 30) + struct.pack("<HHII", 0x10F, 9, 1, 1)
    pointer = struct.pack("<HHII", 0x8769, 4, 1, 8)
    block = b"II" + struct.pack("<HIH", 42, 8, 4) + entry + pointer + b"cut"
    assert parse_exif(block) == ExifText()


def test_segments_are_walked_over_fill_bytes_and_stop_at_damage():
    comment = b"\xff\xff\xfe" + struct.pack(">H", 4) + b"hi"
    assert read_jpeg_text(io.BytesIO(b"\xff\xd8\xff\x01" + comment)).jpeg_comment == "hi"
    damaged = (
        b"",
        b"\xff\xd8",
        b"\xff\xd8\x00" + comment,
        b"\xff\xd8\xff\xda" + comment,
        b"\xff\xd8\xff\xe0\0\1" + comment,
        b"\xff\xd8" + b"\xff" * 10_002,
        b"\xff\xd8" + b"\xff\xd0" * 10_001,
        b"\xff\xd8\xff\xff",
    )
    for data in damaged:
        assert read_jpeg_text(io.BytesIO(data)) == ExifText()


def test_a_webp_with_endless_chunks_ends():
    data = b"RIFF\0\0\0\0WEBP" + b"JUNK\0\0\0\0" * 10_001
    assert read_webp_text(io.BytesIO(data)) == ExifText()


@given(st.binary(max_size=120))
def test_arbitrary_bytes_give_texts_or_nothing(data):
    for candidate in (data, b"II*\0\x08\0\0\0" + data, b"MM\0*\0\0\0\x08" + data):
        assert isinstance(parse_exif(candidate), ExifText)
    read_jpeg_text(io.BytesIO(b"\xff\xd8" + data))
    read_webp_text(io.BytesIO(b"RIFF\0\0\0\0WEBP" + data))
    decode_user_comment(data)
