"""More hostile pickles: harmless names misused, and torch files without the numbers they name."""

import io
import pickle
from collections.abc import Iterator

import torch

from tests.factories.formats import zip_bytes
from tests.factories.hostile import Hostile

CHANGES_A_CLASS = b"\x80\x02ctorch\nTensor\nN}X\x07\x00\x00\x00__add__cbuiltins\nobject\ns\x86b."
CALLS_BY_A_CALL = (
    b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n"
    b"(cbuiltins\nbytearray\ncbuiltins\nint\nJ\xff\xff\xff\x7f\x85NtR."
)
CALLS_UNNAMED = b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n]R."


def hostile_torch_files() -> Iterator[Hostile]:
    """Fresh bytes on every call."""
    yield Hostile("BUILD on a harmless class", "a.pt", CHANGES_A_CLASS, "changes what it imports")
    yield Hostile("a call by a call", "a.pt", CALLS_BY_A_CALL, "builtins.bytearray")
    yield Hostile("a call by a call, hidden", "a.pt", CALLS_UNNAMED, "it imports ?")
    yield Hostile("a key that is hashed for ever", "a.pt", _endless_key(), "may never end")
    yield Hostile("a text of lists in lists", "a.pt", _endless_text(), "much larger")
    harmless = pickle.dumps({}, 2)
    whole = torch_bytes({"w": torch.ones(64)}, zipped=False)
    for trick, data in {"cut off": whole[:-9], "more behind": whole + harmless}.items():
        yield Hostile(f"legacy, {trick}", "a.ckpt", data, "not alone")
    for trick, size in {"no weights": None, "too few weights": 255}.items():
        yield Hostile(trick, "a.ckpt", torch_zip(weights_bytes=size), "missing or cut off")
    foreign = b"\x80\x02(X\x04\x00\x00\x00fileX\x04\x00\x00\x00a.ptK\x00K\x00K\x00tQ."
    named = zip_bytes({"archive/data.pkl": foreign})
    yield Hostile("another thing than a storage", "a.ckpt", named, "no storage")


def torch_bytes(content: object, *, zipped: bool = True) -> bytes:
    """A file of torch.save."""
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def torch_zip(*, weights_bytes: int | None) -> bytes:
    """A torch zip whose pickle names 64 floats, of which so many bytes are there."""
    pickled = (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storage"
        b"ctorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK@tQ"
        b"K\x00K@\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR."
    )
    members = {"archive/data.pkl": pickled}
    if weights_bytes is not None:
        members["archive/data/0"] = bytes(weights_bytes)
    return zip_bytes(members)


def _endless_key() -> bytes:
    """A dict's key of pairs of the same pair, sixty deep: its hash walks over 2**60 values."""
    doubling = b"".join(b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86\x94" for i in range(1, 61))
    return b"\x80\x04}\x94K\x01K\x02\x86\x94" + doubling + b"K\x01s."


def _endless_text() -> bytes:
    """`str` of lists that hold the one before twice over."""
    lists = b"".join(
        b"]q" + bytes([i + 1]) + b"(" + 2 * (b"h" + bytes([i])) + b"e" for i in range(40)
    )
    return b"\x80\x02]q\x00" + lists + b"cbuiltins\nstr\nh\x28\x85R."
