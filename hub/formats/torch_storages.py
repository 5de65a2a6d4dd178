"""Whether the numbers that a torch file's pickle refers to are in the file, whole and alone.

A pickle names each storage as `('storage', class, key, device, count)`. The zip keeps it in
`<root>/data/<key>`; the older form keeps, behind its five pickles and in the order of the fifth,
the count as 8 bytes, little-endian, and then the numbers.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO

from hub.formats.binary_source import size_of
from hub.formats.pickle_machine import Bundle, Imported

COUNT_BYTES = 8
#: The older form also names the classes of modules so, with their source as a text to compare.
MODULE = "module"
_CLASS_BYTES: Mapping[str, int] = {
    **dict.fromkeys(("Bool", "Byte", "Char", "QInt8", "QUInt8", "Untyped"), 1),
    **dict.fromkeys(("BFloat16", "Half", "Short"), 2),
    **dict.fromkeys(("Float", "Int", "QInt32"), 4),
    **dict.fromkeys(("ComplexFloat", "Double", "Long"), 8),
    "ComplexDouble": 16,
}

NO_STORAGE = "it refers to something that is no storage of numbers"
NUMBERS_MISSING = "the numbers of its tensors are missing or cut off"
NOT_ALONE = "the numbers of its tensors are missing, cut off, or not alone in the file"


def storage_sizes(named: Iterable[Bundle]) -> dict[str, tuple[int, int]] | None:
    """Bytes of a number and count of numbers by the storage's key; None where one can't be told."""
    found: dict[str, tuple[int, int]] = {}
    for bundle in named:
        if bundle.items and bundle.items[0] == MODULE:
            continue
        if bundle.count < 5 or bundle.items[0] != "storage":
            return None
        kind, key, count = bundle.items[1], bundle.items[2], bundle.items[4]
        if not isinstance(kind, Imported) or not isinstance(count, int) or count < 0:
            return None
        item_bytes = _CLASS_BYTES.get(kind.name.removesuffix("Storage"))
        if item_bytes is None or not isinstance(key, str | int):
            return None
        found[str(key)] = (item_bytes, count)
    return found


def zip_fault(named: Iterable[Bundle], member_sizes: Mapping[str, int], root: str) -> str:
    """What is wrong with the storages of a torch zip, empty for nothing."""
    sizes = storage_sizes(named)
    if sizes is None:
        return NO_STORAGE
    for key, (item_bytes, count) in sizes.items():
        if member_sizes.get(f"{root}/data/{key}", -1) < item_bytes * count:
            return NUMBERS_MISSING
    return ""


def legacy_fault(named: Iterable[Bundle], keys: Sequence[str], stream: BinaryIO) -> str:
    """What is wrong with the storages of the older form, which begin where the stream is."""
    sizes = storage_sizes(named)
    if sizes is None:
        return NO_STORAGE
    end = size_of(stream)
    for key in keys:
        prefix = stream.read(COUNT_BYTES)
        if key not in sizes or len(prefix) < COUNT_BYTES:
            return NOT_ALONE
        after = stream.tell() + int.from_bytes(prefix, "little") * sizes[key][0]
        if after > end:
            return NOT_ALONE
        stream.seek(after)
    return "" if stream.tell() == end and sizes.keys() <= set(keys) else NOT_ALONE
