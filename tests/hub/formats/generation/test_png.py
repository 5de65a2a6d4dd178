import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hub.formats.errors import FormatError, ImageMetadataError
from hub.formats.generation.png import TextLimits, encode_text_chunk, read_png_text, write_png_text
from tests.factories.formats import png_bytes, png_chunk, png_with_chunk


def read(data: bytes, **limits: int):
    return read_png_text(io.BytesIO(data), limits=TextLimits(**limits))


def code_of(data: bytes, **limits: int) -> str:
    with pytest.raises(ImageMetadataError) as caught:
        read(data, **limits)
    return caught.value.code


def test_texts_written_by_pillow_are_read():
    texts = {"parameters": "a cat\nSteps: 20", "other": "水墨 ünï"}
    assert read(png_bytes(texts)).texts == texts


def test_every_kind_of_text_chunk_is_read():
    packed = zlib.compress("grün".encode("latin-1"))
    assert read(png_with_chunk(b"zTXt", b"k\0\0" + packed)).texts == {"k": "grün"}
    assert read(png_with_chunk(b"tEXt", "k\0grün".encode("latin-1"))).texts == {"k": "grün"}
    packed = zlib.compress("水墨".encode())
    assert read(png_with_chunk(b"iTXt", b"k\0\1\0zh\0schl\0" + packed)).texts == {"k": "水墨"}
    assert read(png_with_chunk(b"iTXt", "k\0\0\0\0\0水".encode())).texts == {"k": "水"}
    assert read(png_with_chunk(b"eXIf", b"II*\0")).exif == b"II*\0"


def test_texts_behind_the_pixels_are_read():
    data = png_bytes()
    end = data[-12:]
    assert read(data[:-12] + png_chunk(b"tEXt", b"k\0v") + end).texts == {"k": "v"}


def test_the_first_text_of_a_name_wins_and_a_cut_off_file_keeps_its_head():
    data = png_with_chunk(b"tEXt", b"k\0first")
    data = data[:33] + png_chunk(b"tEXt", b"k\0zeroth") + data[33:]
    assert read(data).texts == {"k": "zeroth"}
    assert read(data[:-20]).texts == {"k": "zeroth"}


def test_text_limits_hold_on_both_sides():
    data = png_with_chunk(b"tEXt", b"key\0" + b"v" * 96)
    assert read(data, max_text_bytes=100).texts["key"] == "v" * 96
    assert code_of(data, max_text_bytes=99) == "png_text_too_large"
    assert read(data, max_chunks=4).texts
    assert code_of(data, max_chunks=3) == "png_too_many_chunks"


def test_a_text_that_unpacks_too_far_is_refused():
    data = png_with_chunk(b"zTXt", b"k\0\0" + zlib.compress(b"a" * 100_000))
    assert len(read(data, max_text_bytes=100_000).texts["k"]) == 100_000
    assert code_of(data, max_text_bytes=99_999) == "png_text_too_large"
    two = data[:33] + png_chunk(b"zTXt", b"l\0\0" + zlib.compress(b"a" * 100_000)) + data[33:]
    assert code_of(two, max_text_bytes=150_000) == "png_text_too_large"


def test_damaged_texts_and_other_files_are_refused():
    assert code_of(png_with_chunk(b"zTXt", b"k\0\0notzlib")) == "png_damaged"
    assert code_of(b"GIF89a") == "png_not_recognised"


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(st.dictionaries(st.sampled_from(["parameters", "prompt", "Ünï"]), texts))
def test_what_is_written_reads_back_and_the_pixels_stay(tmp_path_factory, wanted):
    folder = tmp_path_factory.mktemp("png", numbered=True)
    src, dst = folder / "a.png", folder / "b.png"
    src.write_bytes(png_bytes({"parameters": "old", "kept": "yes"}))
    write_png_text(src, dst, wanted)
    assert read_png_text(dst).texts == {"parameters": "old", "kept": "yes", **wanted}
    with Image.open(src) as before, Image.open(dst) as after:
        assert before.tobytes() == after.tobytes()


def test_a_text_of_latin_letters_is_written_as_a1111_writes_it():
    assert encode_text_chunk("parameters", "é\nSteps: 1")[4:8] == b"tEXt"
    assert encode_text_chunk("parameters", "水")[4:8] == b"iTXt"


def test_pillow_reads_what_was_written(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png_bytes())
    write_png_text(path, path, {"parameters": "水墨\nSteps: 1", "plain": "é"})
    with Image.open(path) as image:
        assert image.info["parameters"] == "水墨\nSteps: 1"
        assert image.info["plain"] == "é"


@pytest.mark.parametrize("keyword", ["", "k" * 80, "水", "a\0b"])
def test_names_that_png_has_no_room_for_are_refused(keyword):
    with pytest.raises(ImageMetadataError) as caught:
        encode_text_chunk(keyword, "x")
    assert caught.value.code == "png_bad_keyword"


def test_texts_that_are_no_unicode_are_refused():
    with pytest.raises(ImageMetadataError) as caught:
        encode_text_chunk("k", "\ud800")
    assert caught.value.code == "png_bad_text"


@pytest.mark.parametrize("cut", [-1, -20, 8, 20])
def test_a_cut_off_file_is_not_rewritten(tmp_path, cut):
    path = tmp_path / "a.png"
    path.write_bytes(png_bytes()[:cut])
    before = path.read_bytes()
    with pytest.raises(ImageMetadataError) as caught:
        write_png_text(path, path, {"k": "v"})
    assert caught.value.code == "png_damaged"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@given(st.binary(max_size=80), st.sampled_from([b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"IDAT"]))
def test_arbitrary_chunks_raise_only_format_errors(data, kind):
    for candidate in (png_with_chunk(kind, data), b"\x89PNG\r\n\x1a\n" + data, data):
        try:
            found = read(candidate)
        except FormatError:
            continue
        assert all(isinstance(text, str) for text in found.texts.values())
