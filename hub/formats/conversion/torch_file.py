"""Reading a torch file without torch: structure by a restricted unpickler, numbers by place.

Two containers: the zip of torch >= 1.6 (`<root>/data.pkl`, `<root>/data/<key>`) and the older form
(five pickles, then length and numbers of every storage). Numbers are never loaded with the
structure; they are copied from where they lie.
"""

import io
import pickle
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from hub.formats.binary_source import size_of
from hub.formats.conversion.problems import NOT_READABLE, ConversionError
from hub.formats.conversion.stand_ins import ITEM_BYTES, Storage, stand_in, stored
from hub.formats.detection import TORCH_LEGACY_MAGIC, TORCH_PICKLE_NAME
from hub.formats.errors import ArchiveError
from hub.formats.zip_archive import ArchiveLimits, open_archive, read_member
from hub.formats.zip_layout import LOCAL_HEADER, check_layout

PICKLE_BYTES = 64 << 20
LENGTH_BYTES = 8
READ_ERRORS = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    TypeError,
    UnicodeError,
    ValueError,
)


class TensorUnpickler(pickle.Unpickler):
    """Unpickles with stand-ins only: nothing that a file names is ever imported or called."""

    def __init__(self, stream: BinaryIO | io.BytesIO) -> None:
        super().__init__(stream, encoding="latin-1")  # what Python 2 wrote
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> object:
        """A stand-in; raises ConversionError for a dangerous name."""
        return stand_in(module, name)

    def persistent_load(self, pid: object) -> Storage:
        """('storage', class, key, device, count[, view]): a note of where the numbers lie."""
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage":
            raise ConversionError(NOT_READABLE, reason="it names something that is no storage")
        if len(pid) > 5 and pid[5] is not None:
            raise ConversionError(NOT_READABLE, reason="it has views of storages, as torch 0.3")
        storage = stored(pid[1], pid[2], pid[4])
        return self.storages.setdefault(storage.key, storage)


@dataclass(frozen=True)
class TorchFile:
    """The structure with notes instead of tensors, and the place of every storage's numbers."""

    content: object
    stream: BinaryIO
    places: dict[str, tuple[int, int]]

    def read(self, storage: Storage, start: int, size: int) -> bytes:
        """Numbers of a storage from byte `start`; raises ConversionError where they are missing."""
        at, length = self.places.get(storage.key, (0, -1))
        if start + size > length:
            raise ConversionError(NOT_READABLE, reason="numbers are missing at its end")
        self.stream.seek(at + start)
        data = self.stream.read(size)
        if len(data) != size:
            raise ConversionError(NOT_READABLE, reason="it ends too early")
        return data


@contextmanager
def open_torch_file(stream: BinaryIO) -> Iterator[TorchFile]:
    """Open a torch file of either form; raises ConversionError."""
    stream.seek(0)
    head = stream.read(len(TORCH_LEGACY_MAGIC))
    stream.seek(0)
    try:
        if head.startswith(b"PK\x03\x04"):
            yield _from_zip(stream)
        elif head == TORCH_LEGACY_MAGIC:
            yield _from_legacy(stream)
        else:
            raise ConversionError(NOT_READABLE, reason="it is not a file of torch.save")
    except ArchiveError as error:
        raise ConversionError(NOT_READABLE, reason=str(error)) from error


def _from_zip(stream: BinaryIO) -> TorchFile:
    limits = ArchiveLimits(max_members=200_000, max_member_bytes=PICKLE_BYTES)
    with open_archive(stream, limits=limits) as archive:
        check_layout(archive, stream)
        members = {info.filename: info for info in archive.infolist()}
        pickled = [name for name in members if name.rpartition("/")[2] == TORCH_PICKLE_NAME]
        if len(pickled) != 1:
            raise ConversionError(NOT_READABLE, reason="it has not exactly one data.pkl")
        root = pickled[0].removesuffix(TORCH_PICKLE_NAME)
        order = members.get(f"{root}byteorder")
        if order is not None and read_member(archive, order, limits=limits) != b"little":
            raise ConversionError(NOT_READABLE, reason="its numbers are big-endian")
        data = read_member(archive, members[pickled[0]], limits=limits)
        content, storages = _load(io.BytesIO(data))
        places = {}
        for key in storages:
            info = members.get(f"{root}data/{key}")
            if info is None or info.compress_type != zipfile.ZIP_STORED:
                raise ConversionError(NOT_READABLE, reason="numbers are missing or packed")
            places[key] = (_data_start(stream, info), info.file_size)
    return TorchFile(content, stream, places)


def _data_start(stream: BinaryIO, info: zipfile.ZipInfo) -> int:
    stream.seek(info.header_offset)
    fields = LOCAL_HEADER.unpack(stream.read(LOCAL_HEADER.size))
    return int(info.header_offset + LOCAL_HEADER.size + fields[9] + fields[10])


def _from_legacy(stream: BinaryIO) -> TorchFile:
    for _ in range(3):  # a magic number, a version and facts about the machine
        _load(stream)
    content, storages = _load(stream)
    keys, _none = _load(stream)
    if not isinstance(keys, list):
        raise ConversionError(NOT_READABLE, reason="the list of its storages is missing")
    places, size = {}, size_of(stream)
    for key in map(str, keys):
        length = stream.read(LENGTH_BYTES)
        storage = storages.get(key)
        if len(length) < LENGTH_BYTES or storage is None or not storage.code:
            raise ConversionError(NOT_READABLE, reason="a storage is missing")
        bytes_here = int.from_bytes(length, "little") * ITEM_BYTES[storage.code]
        places[key] = (stream.tell(), bytes_here)
        if stream.tell() + bytes_here > size:
            raise ConversionError(NOT_READABLE, reason="it ends too early")
        stream.seek(bytes_here, io.SEEK_CUR)
    return TorchFile(content, stream, places)


def _load(stream: BinaryIO | io.BytesIO) -> tuple[object, dict[str, Storage]]:
    unpickler = TensorUnpickler(stream)
    try:
        return unpickler.load(), unpickler.storages
    except ConversionError:
        raise
    except (*READ_ERRORS, RecursionError) as error:
        raise ConversionError(NOT_READABLE, reason=f"{type(error).__name__}: {error}") from error
