"""Archives that are never made, read by the standard library's reader."""

import io
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.formats.zip_layout import check_layout
from hub.formats.zip_stream import ZipLayout, ZipMember

CONTENTS = {"a/one.txt": b"hello", "墨 wash.bin": bytes(range(256)), "empty": b""}


def layout_of(contents: dict[str, bytes]) -> ZipLayout:
    return ZipLayout(
        [ZipMember(name, len(data), zlib.crc32(data)) for name, data in contents.items()]
    )


def taken(layout: ZipLayout, contents: dict[str, bytes], first: int, last: int) -> bytes:
    datas = list(contents.values())
    return b"".join(
        piece.data
        if piece.member < 0
        else datas[piece.member][piece.start : piece.start + piece.length]
        for piece in layout.pieces(first, last)
    )


def whole(contents: dict[str, bytes]) -> bytes:
    layout = layout_of(contents)
    return taken(layout, contents, 0, layout.size_bytes - 1)


def test_an_ordinary_reader_finds_every_file_as_it_is():
    data = whole(CONTENTS)
    assert len(data) == layout_of(CONTENTS).size_bytes
    stream = io.BytesIO(data)
    with zipfile.ZipFile(stream) as archive:
        check_layout(archive, stream)
        assert {info.filename: archive.read(info) for info in archive.infolist()} == CONTENTS
        assert archive.infolist()[0].external_attr >> 16 == 0o100644


def test_an_archive_of_nothing_is_one():
    with zipfile.ZipFile(io.BytesIO(whole({}))) as archive:
        assert archive.namelist() == []


@given(st.integers(0, 800), st.integers(0, 800))
def test_any_range_is_a_part_of_the_whole(first, last):
    layout, data = layout_of(CONTENTS), whole(CONTENTS)
    assert taken(layout, CONTENTS, first, min(last, len(data) - 1)) == data[first : last + 1]


class Sparse(io.RawIOBase):
    """An archive of members whose bytes are all zero, without holding them."""

    def __init__(self, layout: ZipLayout):
        self.layout, self.at = layout, 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.layout.size_bytes}[whence]
        self.at = base + offset
        return self.at

    def readinto(self, buffer) -> int:
        last = min(self.at + len(buffer), self.layout.size_bytes) - 1
        data = b"".join(
            piece.data or bytes(piece.length) for piece in self.layout.pieces(self.at, last)
        )
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)


@pytest.mark.parametrize("large", [(1 << 32) - 2, (1 << 32) - 1, 1 << 32, 5 << 32])
def test_members_and_places_beyond_four_gibibytes_are_read(large):
    small = ZipMember("small", 5, zlib.crc32(bytes(5)))
    layout = ZipLayout([ZipMember("large", large, 0), small, ZipMember("last", large, 0)])
    stream = Sparse(layout)
    with zipfile.ZipFile(stream) as archive:
        check_layout(archive, stream)
        assert [info.file_size for info in archive.infolist()] == [large, 5, large]
        assert archive.read("small") == bytes(5)


def test_more_members_than_sixteen_bits_count_are_read():
    layout = ZipLayout([ZipMember(f"{number}", 0, 0) for number in range(0xFFFF + 2)])
    with zipfile.ZipFile(Sparse(layout)) as archive:
        assert len(archive.infolist()) == 0xFFFF + 2
