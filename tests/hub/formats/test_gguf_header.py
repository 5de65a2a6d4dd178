"""The header of GGUF: what a whole file says, and where its limits are."""

import struct
from io import BytesIO

import pytest

from hub.formats.errors import GgufError
from hub.formats.gguf_header import GgufLimits, read_gguf
from tests.factories.gguf_files import gguf_bytes, gguf_text


def test_a_whole_file_gives_its_texts_numbers_and_tensors():
    data = gguf_bytes({"a": (2, 3), "b": (5,), "c": ()}, {"general.name": "墨"})
    header = read_gguf(BytesIO(data))
    assert header.metadata == {"general.name": "墨"}
    assert [(row.name, row.shape, row.size_bytes) for row in header.tensors] == [
        ("a", (2, 3), 24),
        ("b", (5,), 20),
        ("c", (), 4),
    ]
    assert header.main_type == "F32"


def test_the_last_tensor_may_end_the_file_without_padding():
    assert read_gguf(BytesIO(gguf_bytes({"a": (3,)}, padded=False))).tensors


@pytest.mark.parametrize(
    ("kind", "rows", "size"), [(0, 64, 256), (1, 64, 128), (8, 64, 68), (12, 256, 144), (30, 8, 16)]
)
def test_packed_numbers_take_whole_blocks(kind, rows, size):
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + gguf_text("w")
    head += struct.pack("<IQIQ", 1, rows, kind, 0)
    data = head + bytes(-len(head) % 32) + bytes(size)
    [tensor] = read_gguf(BytesIO(data)).tensors
    assert tensor.size_bytes == size


def test_lists_and_numbers_are_walked_over_and_another_alignment_is_kept():
    entries = gguf_text("general.alignment") + struct.pack("<II", 4, 64)
    entries += gguf_text("words") + struct.pack("<IIQ", 9, 8, 2) + gguf_text("x") + gguf_text("y")
    entries += gguf_text("numbers") + struct.pack("<IIQ3H", 9, 2, 3, 1, 2, 3)
    entries += gguf_text("yes") + struct.pack("<IB", 7, 1)
    head = b"GGUF" + struct.pack("<IQQ", 3, 2, 4) + entries
    for name, start in (("a", 0), ("b", 64)):
        head += gguf_text(name) + struct.pack("<IQIQ", 1, 1, 0, start)
    header = read_gguf(BytesIO(head + bytes(-len(head) % 64) + bytes(68)))
    assert header.metadata == {"general.alignment": "64", "yes": "True"}
    assert [row.start for row in header.tensors] == [0, 64]


@pytest.mark.parametrize(
    "limits",
    [{"max_header_bytes": 1}, {"max_tensors": 1}, {"max_entries": 1}, {"max_text_bytes": 1}],
    ids=lambda limits: next(iter(limits)),
)
def test_every_limit_has_two_sides(limits):
    data = gguf_bytes({"aa": (1,), "bb": (1,)}, {"k1": "xx", "k2": "yy"})
    exact = {
        "max_header_bytes": len(data) - 36 - (len(data) - 36) % 32,
        "max_tensors": 2,
        "max_entries": 2,
        "max_text_bytes": 2,
    }
    name, below = next(iter(limits.items()))
    assert read_gguf(BytesIO(data), limits=GgufLimits(**{name: exact[name]})).tensors
    with pytest.raises(GgufError, match="limit"):
        read_gguf(BytesIO(data), limits=GgufLimits(**{name: below}))
