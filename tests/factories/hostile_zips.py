"""More hostile archives: contradicting headers, second names, second natures; more liars."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator

from tests.factories.formats import framed, png_bytes, safetensors_bytes, zip_bytes
from tests.factories.hostile import Hostile

KIND = "Training Data"
MP4 = b"\x00\x00\x00\x18ftypisom\0\0\0\0isommp42"
DRAWING = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
PAGE = b"<!-- cats -->\n<!DOCTYPE html><script>alert(1)</script>"


def hostile_zips() -> Iterator[Hostile]:
    """Fresh bytes on every call."""
    yield from _contradictions()
    yield from _second_names()
    yield from _second_natures()
    yield from _liars()


def _contradictions() -> Iterator[Hostile]:
    """Bytes of a local header (at 0), the directory or the end record set to something else."""
    local, entry, end = 0, b"PK\x01\x02", b"PK\x05\x06"
    for trick, start, at, value in (
        ("another size in front", local, 18, struct.pack("<2L", 4, 4)),
        ("another method in front", local, 8, b"\x08\0"),
        ("another checksum in front", local, 14, bytes(4)),
        ("encrypted in front alone", local, 6, b"\x01\0"),
        ("on another disk", entry, 34, b"\x03\0"),
        ("one file in the end record", end, 8, struct.pack("<2H", 1, 1)),
        ("nine files in the end record", end, 8, struct.pack("<2H", 9, 9)),
        ("a second disk in the end record", end, 4, struct.pack("<2H", 1, 1)),
        ("a comment that is not there", end, 20, b"\x07\0"),
    ):
        data = bytearray(zip_bytes({"a.txt": b"a cat", "b.txt": b"a dog"}))
        found = start if isinstance(start, int) else data.find(start)
        data[found + at : found + at + len(value)] = value
        yield Hostile(trick, "d.zip", bytes(data), "different things", KIND)
    for trick, spoil in {"locator": 8, "count": -56 - 20 - 22 + 32}.items():
        yield Hostile(f"zip64: its {trick} lies", "d.zip", _zip64(spoil), "Pack it again", KIND)


def _second_names() -> Iterator[Hostile]:
    path = b"../../evil.txt"
    field = struct.pack("<2HBL", 0x7075, 5 + len(path), 1, zlib.crc32(b"a.txt")) + path
    second = _with_member(lambda info: setattr(info, "extra", field))
    yield Hostile("a second name that climbs out", "d.zip", second, "different things", KIND)
    for first, other in (
        ("a.txt", "./a.txt"),
        ("a/b.txt", "a//b.txt"),
        ("\xe9.txt", "e\u0301.txt"),
    ):
        same = zip_bytes({first: b"a cat", other: b"a dog"})
        yield Hostile(f"{other!r} is {first!r}", "d.zip", same, "twice", KIND)
    folder = zip_bytes({"a/": b"#!/bin/sh\n", "b.txt": b"a cat"})
    yield Hostile("a folder with a content", "d.zip", folder, "program", KIND)


def _second_natures() -> Iterator[Hostile]:
    inner = zip_bytes({"run.bat": b"MZ"})
    shape = {"dtype": "U8", "shape": [len(inner)], "data_offsets": [0, len(inner)]}
    weights = framed(json.dumps({"w": shape}).encode(), inner)
    for name, data in (("v.mp4", MP4 + inner), ("w.safetensors", weights)):
        packed = zip_bytes({name: data})
        yield Hostile(f"{name} with an archive behind", "d.zip", packed, "archive itself", KIND)
    damaged = zip_bytes({"w.safetensors": safetensors_bytes({"w": ("F32", (9, 9999))})})
    damaged = damaged[:9000] + b"x" + damaged[9001:]
    yield Hostile("weights with a wrong checksum", "d.zip", damaged, "can't be read", KIND)


def _liars() -> Iterator[Hostile]:
    for name, data in (("a.pt", MP4), ("a.pth", png_bytes()), ("a.png", DRAWING), ("a.txt", MP4)):
        yield Hostile(f"in an archive: {name}", "d.zip", zip_bytes({name: data}), "true name", KIND)
    torn = zip_bytes({"a.png": ("猫" * 600).encode()})  # the first bytes end inside of a letter
    yield Hostile("in an archive: Chinese text as a.png", "d.zip", torn, "which is text", KIND)
    bytes_only = zip_bytes({"a.mov": bytes(range(256))})
    yield Hostile("in an archive: bytes as a.mov", "d.zip", bytes_only, "(unknown)", KIND)
    yield Hostile("a page as caption", "d.zip", zip_bytes({"a.txt": PAGE}), "a page", KIND)
    for name, data in (
        ("a.png", b"a cat"),
        ("a.zip", b"a cat"),
        ("a.jpg", png_bytes()),
        ("a.txt", png_bytes()),
        ("a.png", zip_bytes({"a.txt": b"a cat"})),
    ):
        yield Hostile(f"lies: {name} {data[:4]!r}", name, data, "true name", "Other")
    for name, data in (("a.txt", DRAWING), ("a.json", PAGE), ("a.md", b"<?php phpinfo();")):
        yield Hostile(f"runs: {name} {data[:4]!r}", name, data, "a page or a script", "Other")
    half = zip_bytes({"archive/data.pkl": b"\x80\x02}."})[:-10]
    yield Hostile("half a torch file", "a.ckpt", half, "can't be read")
    yield Hostile("a header without weights", "m.safetensors", framed(b"{}"), "no weights")
    only = framed(b'{"__metadata__":{"a":"b"}}')
    yield Hostile("a header of words alone", "m.safetensors", only, "no weights")


def _with_member(change: Callable[[zipfile.ZipInfo], None]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("a.txt")
        change(info)
        archive.writestr(info, b"a cat")
    return buffer.getvalue()


def _zip64(spoil: int) -> bytes:
    """An archive with zip64's end records, a byte of which is changed."""
    data = zip_bytes({"a.txt": b"a cat"})
    at = data.find(b"PK\x05\x06")
    length, offset = struct.unpack_from("<2L", data, at + 12)
    large = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, length, offset)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    whole = bytearray(data[:at] + large + locator + data[at:])
    whole[spoil if spoil < 0 else at + len(large) + spoil] ^= 1
    return bytes(whole)
