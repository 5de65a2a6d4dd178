"""GGUF files for tests, written as the format's document describes them, whole and broken."""

import struct
from collections.abc import Mapping, Sequence

from tests.factories.formats import zip_bytes

ALIGNMENT = 32


def gguf_text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def gguf_bytes(
    tensors: Mapping[str, Sequence[int]],
    metadata: Mapping[str, str] | None = None,
    *,
    padded: bool = True,
) -> bytes:
    """Tensors of 32-bit numbers by name and shape, slowest dimension first."""
    entries = metadata or {}
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries))
    for name, value in entries.items():
        head += gguf_text(name) + struct.pack("<I", 8) + gguf_text(value)
    data = b""
    for name, shape in tensors.items():
        sides = tuple(shape)[::-1]
        head += gguf_text(name) + struct.pack(f"<I{len(sides)}Q", len(sides), *sides)
        head += struct.pack("<IQ", 0, len(data))
        size = 4
        for side in sides:
            size *= side
        data += bytes(size)
        data += bytes(-len(data) % ALIGNMENT) if padded else b""
    return head + bytes(-len(head) % ALIGNMENT) + data


def broken_ggufs() -> dict[str, tuple[bytes, str]]:
    """What is wrong, the bytes, and a part of the reason that they must get."""
    start, text = b"GGUF" + struct.pack("<I", 3), gguf_text
    good = gguf_bytes({"w": (4, 8)}, {"general.name": "Ink"})

    def entry(value: bytes, name: str = "a") -> bytes:
        return start + struct.pack("<QQ", 0, 1) + text(name) + value

    def tensor(sides: tuple[int, ...], kind: int = 0) -> bytes:
        shape = struct.pack(f"<I{len(sides)}Q", len(sides), *sides)
        return start + struct.pack("<QQ", 1, 0) + text("w") + shape + struct.pack("<IQ", kind, 0)

    return {
        "gguf without content": (b"GGUF" + bytes(60), "version"),
        "gguf, big-endian": (b"GGUF\0\0\0\x03" + good[8:], "version"),
        "gguf cut off": (good[:-1], "header describes"),
        "gguf with more behind it": (good + bytes(64), "header describes"),
        "gguf and zip": (good + zip_bytes({"a": b"b"}), "header describes"),
        "gguf of 2^60 tensors": (start + struct.pack("<QQ", 1 << 60, 0), "tensors"),
        "gguf of 2^60 entries": (start + struct.pack("<QQ", 0, 1 << 60), "entries"),
        "gguf with a text of 8 EiB": (entry(struct.pack("<IQ", 8, 1 << 63)), "one text"),
        "gguf with a list of 2^62": (entry(struct.pack("<IIQ", 9, 10, 1 << 62)), "announces"),
        "gguf with texts without end": (entry(struct.pack("<IIQ", 9, 8, 1 << 62)), "announces"),
        "gguf with lists in lists": (entry(struct.pack("<IIQ", 9, 9, 1)), "numbers and texts"),
        "gguf with an unknown value": (entry(struct.pack("<I", 99)), "type is unknown"),
        "gguf that is not UTF-8": (entry(struct.pack("<IQ", 8, 1) + b"\xff"), "UTF-8"),
        "gguf with a template": (
            entry(struct.pack("<I", 8) + text("{{x}}"), "tokenizer.chat_template"),
            "chat template",
        ),
        "gguf aligned to nothing": (
            entry(struct.pack("<II", 4, 0), "general.alignment"),
            "multiple of eight",
        ),
        "gguf with a name twice": (
            start + struct.pack("<QQ", 0, 2) + 2 * (text("a") + struct.pack("<IB", 0, 1)),
            "twice",
        ),
        "gguf of nine dimensions": (tensor((1,) * 9), "too many dimensions"),
        "gguf with a shape that overflows": (tensor((1 << 47,) * 4), "header describes"),
        "gguf with a side of nothing": (tensor((0,)), "list of lengths"),
        "gguf with half a block": (tensor((31,), kind=2), "whole blocks"),
        "gguf of unknown numbers": (tensor((32,), kind=250), "type of numbers"),
    }
