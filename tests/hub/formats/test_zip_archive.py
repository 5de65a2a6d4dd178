import contextlib
import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.formats.errors import ArchiveError, FormatError
from hub.formats.zip_archive import ArchiveLimits, open_archive, peek_member, read_member
from tests.factories.formats import zip_bytes


def read_all(data: bytes, **limits: int) -> dict[str, bytes]:
    bounds = ArchiveLimits(**limits)
    with open_archive(io.BytesIO(data), limits=bounds) as archive:
        return {
            info.filename: read_member(archive, info, limits=bounds) for info in archive.infolist()
        }


def code_of(data: bytes, **limits: int) -> str:
    with pytest.raises(ArchiveError) as caught:
        read_all(data, **limits)
    return caught.value.code


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_come_out_as_they_went_in(method):
    members = {"a.txt": b"abc", "folder/b": b""}
    assert read_all(zip_bytes(members, method)) == members


def test_a_comment_behind_the_directory_does_not_hide_it():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", b"1")
        archive.comment = b"made by hand"
    assert read_all(buffer.getvalue()) == {"a": b"1"}


def test_an_archive_may_be_empty():
    assert read_all(zip_bytes({})) == {}


def test_every_limit_holds_on_both_sides():
    data = zip_bytes({"a": b"x" * 10, "b": b"y"})
    directory = struct.unpack("<I", data[-10:-6])[0]
    assert len(read_all(data, max_members=2)) == 2
    assert code_of(data, max_members=1) == "archive_too_many_members"
    assert len(read_all(data, max_directory_bytes=directory)) == 2
    assert code_of(data, max_directory_bytes=directory - 1) == "archive_directory_too_large"
    assert len(read_all(data, max_member_bytes=10)) == 2
    assert code_of(data, max_member_bytes=9) == "archive_member_too_large"


def test_a_member_that_unpacks_too_far_is_refused():
    data = zip_bytes({"bomb": b"\0" * 3_000_000}, zipfile.ZIP_DEFLATED)
    assert code_of(data) == "archive_bomb"
    assert len(read_all(data, max_ratio=2_000)["bomb"]) == 3_000_000


def test_a_member_that_lies_about_its_size_is_cut_off_at_the_limit():
    data = bytearray(zip_bytes({"liar": b"\0" * 5_000}, zipfile.ZIP_DEFLATED))
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 10)  # the size in the directory
    assert code_of(bytes(data), max_member_bytes=100) == "archive_damaged"


def test_encrypted_and_unusual_members_are_refused():
    data = bytearray(zip_bytes({"a": b"abc"}))
    at = data.rfind(b"PK\x01\x02")
    data[at + 8] |= 1
    assert code_of(bytes(data)) == "archive_member_unsupported"
    assert code_of(zip_bytes({"a": b"abc"}, zipfile.ZIP_BZIP2)) == "archive_member_unsupported"


def test_only_the_start_of_a_member_can_be_asked_for():
    with open_archive(io.BytesIO(zip_bytes({"a": b"abcdef"}))) as archive:
        assert peek_member(archive, archive.infolist()[0], 2) == b"ab"


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"x" * 100])
def test_what_is_no_archive_is_refused(data):
    assert code_of(data) == "archive_damaged"


def test_a_large_directory_told_only_by_the_64_bit_record_is_refused():
    record = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, 1 << 40, 0)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, 0, 1)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, 60, 0, 0)
    assert code_of(record + locator + end) == "archive_directory_too_large"


@given(st.binary(max_size=200), st.integers(0, 200), st.integers(0, 255))
def test_damaged_archives_raise_only_format_errors(tail, position, value):
    data = bytearray(zip_bytes({"a": b"abc", "b/c": b"x" * 50}, zipfile.ZIP_DEFLATED))
    data[position % len(data)] = value
    for candidate in (bytes(data), b"PK\x03\x04" + tail, bytes(data) + tail):
        with contextlib.suppress(FormatError):
            read_all(candidate)
