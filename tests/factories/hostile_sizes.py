"""More hostile files: what is small and makes something large, and what torch opens as a tar."""

import io
import json
import os
import pickle
import struct
import tarfile
from collections.abc import Iterator

from tests.factories.formats import framed, zip_bytes
from tests.factories.hostile import LEGACY_MAGIC, MARKER, Evil, Hostile

TOO_MUCH = "larger than the file"
ENCODE = b"c_codecs\nencode\n"
RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
A_TERABYTE = b"\x8a\x06\0\0\0\0\0\x01\x85"


def hostile_sizes() -> Iterator[Hostile]:
    """Fresh bytes on every call."""
    doubling = b"\x80\x04" + 40 * ENCODE + b"C\x08aaaaaaaa" + 40 * b"\x8c\x03hex\x86R" + b"."
    yield Hostile("bytes that double forty times", "a.pt", doubling, TOO_MUCH)
    packed = zip_bytes({"archive/data.pkl": doubling, "archive/version": b"3\n"})
    yield Hostile("bytes that double in a torch file", "a.ckpt", packed, TOO_MUCH)
    hidden = b"\x80\x04" + ENCODE + b"\x8c\x01a]\x86R."
    yield Hostile("an encoding that is no text", "a.pt", hidden, TOO_MUCH)
    array = b"\x80\x03" + RECONSTRUCT + A_TERABYTE + b"C\x01b\x87R."
    yield Hostile("an array of a terabyte", "a.pt", array, TOO_MUCH)
    named = b"\x80\x03" + A_TERABYTE + b"q\x00" + RECONSTRUCT + b"h\x00C\x01b\x87R\x86."
    yield Hostile("an array of a terabyte, by the memo", "a.pt", named, TOO_MUCH)
    sides = [(1 << 62) - 1] * 100_000
    entry = {"dtype": "F32", "shape": sides, "data_offsets": [0, 4]}
    header = framed(json.dumps({"a": entry}).encode(), bytes(4))
    yield Hostile("a product that takes hours", "m.safetensors", header, "lengths")
    yield from _tars()


def _tars() -> Iterator[Hostile]:
    """torch.load opens a tar as its oldest format, whatever else the file is."""
    torch_parts = LEGACY_MAGIC + pickle.dumps(1001, 2) + pickle.dumps({}, 2) + b"\x80\x02}K\x01T"
    archive = _torch_tar()
    size = struct.pack("<L", 512 - len(torch_parts) - 4 + len(archive))
    torch_file = _tar_header(torch_parts + size) + archive + b"s." + pickle.dumps([], 2)
    yield Hostile("legacy torch that is a tar", "a.ckpt", torch_file, "tar archive")
    yield Hostile("safetensors that is a tar", "m.safetensors", _tar_weights(), "tar archive")
    plain = b"\x80\x02X" + struct.pack("<L", 505 + len(archive))
    single = _tar_header(plain) + archive + b"."
    yield Hostile("a text in a pickle that is a tar", "a.pt", single, "tar archive")


def _tar_weights() -> bytes:
    """Weights whose header begins as a tar's empty first member; the others are its tensor."""
    archive = _torch_tar()
    entry = {"dtype": "U8", "shape": [len(archive)], "data_offsets": [0, len(archive)]}
    closing = b'"},"w":' + json.dumps(entry).encode() + b"}"
    length = 2 * 512 - 8
    begin = struct.pack("<Q", length) + b'{"__metadata__":{"a":"'
    head = _tar_header(begin, filler=b" ", size=512)
    return head + closing.ljust(512) + archive


def _torch_tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in (("storages", Evil(os.mkdir, MARKER)), ("tensors", 0), ("pickle", {})):
            data = pickle.dumps(content, 2)
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def _tar_header(name: bytes, *, filler: bytes = b"\0", size: int = 0) -> bytes:
    """A member as tars had it before `ustar`; its checksum is all that marks it."""
    header = bytearray(name.ljust(512, filler))
    header[100:148] = b"000644  000000  000000  %011o 00000000000 " % size
    header[148:157] = b"        0"
    header[148:156] = b"%06o  " % sum(header)
    return bytes(header)
