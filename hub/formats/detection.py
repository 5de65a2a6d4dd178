"""What a file is, told by its bytes and never by its name."""

import re
import tarfile
from enum import StrEnum
from typing import BinaryIO

from hub.formats.binary_source import BinarySource, opened, size_of
from hub.formats.errors import ArchiveError
from hub.formats.safetensors_header import LENGTH_BYTES
from hub.formats.zip_archive import open_archive

HEAD_BYTES = 512
MAX_PICKLE_PROTOCOL = 5
# torch.save before 1.6 starts with this number, pickled with protocol 2.
TORCH_LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
TORCH_PICKLE_NAME = "data.pkl"


class FileType(StrEnum):
    """The kinds of file that the hub tells apart."""

    SAFETENSORS = "safetensors"
    TORCH_ZIP = "torch_zip"
    TORCH_LEGACY = "torch_legacy"
    PICKLE = "pickle"
    GGUF = "gguf"
    ZIP = "zip"
    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"
    AVIF = "avif"
    GIF = "gif"
    MP4 = "mp4"
    WEBM = "webm"
    NPY = "npy"
    HDF5 = "hdf5"
    ONNX = "onnx"
    PDF = "pdf"
    SEVEN_ZIP = "7z"
    RAR = "rar"
    TAR = "tar"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZSTD = "zstd"
    PROGRAM = "program"
    UNKNOWN = "unknown"


IMAGE_TYPES = frozenset({FileType.PNG, FileType.JPEG, FileType.WEBP, FileType.AVIF, FileType.GIF})
VIDEO_TYPES = frozenset({FileType.MP4, FileType.WEBM})
PICKLE_TYPES = frozenset({FileType.TORCH_ZIP, FileType.TORCH_LEGACY, FileType.PICKLE})
# Archives that nobody unpacks here: what is in them cannot be looked at.
WRAPPER_TYPES = frozenset(
    {
        *(FileType.SEVEN_ZIP, FileType.RAR, FileType.TAR, FileType.GZIP, FileType.BZIP2),
        *(FileType.XZ, FileType.ZSTD),
    }
)

SIGNATURES: tuple[tuple[bytes, FileType], ...] = (
    (b"\x89PNG\r\n\x1a\n", FileType.PNG),
    (b"\xff\xd8\xff", FileType.JPEG),
    (b"GIF87a", FileType.GIF),
    (b"GIF89a", FileType.GIF),
    (b"GGUF", FileType.GGUF),
    (b"\x1a\x45\xdf\xa3", FileType.WEBM),
    (b"\x93NUMPY", FileType.NPY),
    (b"\x89HDF\r\n\x1a\n", FileType.HDF5),
    (b"%PDF-", FileType.PDF),
    (b"7z\xbc\xaf\x27\x1c", FileType.SEVEN_ZIP),
    (b"Rar!\x1a\x07", FileType.RAR),
    (b"\x1f\x8b", FileType.GZIP),
    (b"BZh", FileType.BZIP2),
    (b"\xfd7zXZ\x00", FileType.XZ),
    (b"\x28\xb5\x2f\xfd", FileType.ZSTD),
    (b"\x7fELF", FileType.PROGRAM),
    (b"MZ", FileType.PROGRAM),
    (b"\xfe\xed\xfa", FileType.PROGRAM),
    (b"\xcf\xfa\xed\xfe", FileType.PROGRAM),
    (b"\xca\xfe\xba\xbe", FileType.PROGRAM),
    (b"#!", FileType.PROGRAM),
    (TORCH_LEGACY_MAGIC, FileType.TORCH_LEGACY),
)
#: A protocol buffer without a signature: the format's version, then producer, domain or graph.
ONNX_START = re.compile(rb"\x08[\x01-\x20][\x12\x1a\x22\x3a\x42]")
TAR_MAGIC, TAR_MAGIC_AT = b"ustar", 257
AVIF_BRANDS = frozenset({b"avif", b"avis"})
VIDEO_BRANDS = frozenset({b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1"})


def detect_type(source: BinarySource) -> FileType:
    """Return the type of a file from its first bytes (and a zip's directory)."""
    with opened(source) as stream:
        head = stream.read(HEAD_BYTES)
        found = type_of_head(head, size_of(stream))
        return _zip_type(stream) if found is FileType.ZIP else found


def type_of_head(head: bytes, size: int) -> FileType:
    """Return the type by the first HEAD_BYTES of a file of `size` bytes; a torch zip is a ZIP."""
    if is_tar(head):
        # First: torch.load opens whatever is one as its oldest format, whatever else it may be.
        return FileType.TAR
    if _looks_like_safetensors(head, size):
        # Before signatures: the length in front of the header may happen to spell another one.
        return FileType.SAFETENSORS
    for signature, file_type in SIGNATURES:
        if head.startswith(signature):
            return file_type
    container = _container_type(head)
    if container is not FileType.UNKNOWN:
        return container
    return FileType.ZIP if head.startswith(b"PK\x03\x04") else _unsigned_type(head)


def _unsigned_type(head: bytes) -> FileType:
    if head[TAR_MAGIC_AT:].startswith(TAR_MAGIC):
        return FileType.TAR
    if ONNX_START.match(head):
        return FileType.ONNX
    return FileType.PICKLE if _looks_like_pickle(head) else FileType.UNKNOWN


def is_tar(head: bytes) -> bool:
    """Whether these HEAD_BYTES are the header of a tar archive for Python, which asks no magic.

    Its checksum decides; the name in front of it may be the beginning of any other file.
    """
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _container_type(head: bytes) -> FileType:
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return FileType.WEBP
    if head[4:8] != b"ftyp":
        return FileType.UNKNOWN
    box = head[: max(int.from_bytes(head[:4], "big"), 16)]
    brands = {box[8:12]} | {box[at : at + 4] for at in range(16, len(box), 4)}
    if brands & AVIF_BRANDS:
        return FileType.AVIF
    return FileType.MP4 if brands & VIDEO_BRANDS else FileType.UNKNOWN


def _zip_type(stream: BinaryIO) -> FileType:
    try:
        with open_archive(stream) as archive:
            names = archive.namelist()
    except ArchiveError:
        return FileType.ZIP
    is_torch = any(name.rpartition("/")[2] == TORCH_PICKLE_NAME for name in names)
    return FileType.TORCH_ZIP if is_torch else FileType.ZIP


def _looks_like_safetensors(head: bytes, size: int) -> bool:
    length = int.from_bytes(head[:LENGTH_BYTES], "little")
    return head[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{" and 2 <= length <= size - LENGTH_BYTES


def _looks_like_pickle(head: bytes) -> bool:
    return len(head) > 2 and head[0] == 0x80 and head[1] <= MAX_PICKLE_PROTOCOL
