"""All the hashes by which tools name a model file, in one pass over its bytes.

| kind | what is hashed |
|---|---|
| SHA256, BLAKE3, CRC32 | the whole file |
| AutoV1 | 64 KiB at offset 1 MiB, first 8 digits; only from 2 MiB up |
| AutoV2 | first 10 digits of SHA256 |
| AutoV3 | SHA-256 of the tensors behind a valid safetensors header |
| SSHS | what the trainer wrote into the header as `sshs_model_hash` |
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from blake3 import blake3

from hub.formats.crc32 import crc32
from hub.formats.header_cutter import Bytes, HeaderCutter
from hub.formats.safetensors_header import DEFAULT_LIMITS, HeaderLimits, SafetensorsHeader

AUTOV1_OFFSET = 0x100000
AUTOV1_LENGTH = 0x10000
AUTOV1_MIN_BYTES = 2 << 20
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest().upper()
SSHS_MIN_DIGITS = 8
HEX_DIGITS = frozenset("0123456789ABCDEF")


class HashKind(StrEnum):
    """Names of the hashes as Civitai's API writes them; SSHS is the seventh, from the header."""

    SHA256 = "SHA256"
    AUTOV1 = "AutoV1"
    AUTOV2 = "AutoV2"
    AUTOV3 = "AutoV3"
    BLAKE3 = "BLAKE3"
    CRC32 = "CRC32"
    SSHS = "SSHS"


@dataclass(frozen=True, slots=True)
class FileHashes:
    """The digests of one file, in upper-case hex.

    `autov3_full` has 64 digits and is None when the file is no valid safetensors file or holds no
    tensor bytes: the hash of nothing would link every such file with every other.
    """

    size_bytes: int
    sha256: str
    blake3: str
    crc32: str
    autov1: str | None = None
    autov3_full: str | None = None
    sshs: str | None = None

    @property
    def autov2(self) -> str:
        """The short hash that A1111 shows for checkpoints."""
        return self.sha256[:10]

    @property
    def autov3(self) -> str | None:
        """The short hash that A1111 writes for LoRA files."""
        return self.autov3_full[:12] if self.autov3_full else None

    def as_mapping(self) -> Mapping[HashKind, str]:
        """Every hash that the file has; AutoV3 in its short form."""
        values = {
            HashKind.SHA256: self.sha256,
            HashKind.AUTOV1: self.autov1,
            HashKind.AUTOV2: self.autov2,
            HashKind.AUTOV3: self.autov3,
            HashKind.BLAKE3: self.blake3,
            HashKind.CRC32: self.crc32,
            HashKind.SSHS: self.sshs,
        }
        return {kind: value for kind, value in values.items() if value}


class StreamHasher:
    """Hashes bytes as they arrive, in memory of one header."""

    def __init__(self, *, limits: HeaderLimits = DEFAULT_LIMITS) -> None:
        """Start the digests."""
        self._size = 0
        self._limits = limits
        self._sha256 = hashlib.sha256()
        self._tensors = hashlib.sha256()
        self._light = LightDigests()
        self._window = bytearray()
        self._header = HeaderCutter(limits)
        self._result: FileHashes | None = None

    def update(self, chunk: Bytes) -> None:
        """Take the next bytes of the file; chunks of about 1 MiB are the fastest."""
        start = max(AUTOV1_OFFSET - self._size, 0)
        end = AUTOV1_OFFSET + AUTOV1_LENGTH - self._size
        if start < end:
            self._window += chunk[start:end]
        self._sha256.update(chunk)
        self._light.update(chunk)
        self._tensors.update(self._header.cut(chunk))
        self._size += len(chunk)

    def finish(self) -> FileHashes:
        """Return the hashes of everything seen; later calls return the same."""
        if self._result is None:
            self._result = file_hashes(
                size_bytes=self._size,
                sha256=self._sha256.hexdigest(),
                light=self._light,
                window=self._window,
                tensors=self._tensors.hexdigest(),
                header=self._header.parsed(self._size, self._limits),
            )
        return self._result


class LightDigests:
    """BLAKE3 and CRC32: together a good half of the work of one SHA-256.

    CRC32 comes first: isal leaves the upper halves of the vector registers in use, beside which
    OpenSSL's SHA-256 takes a third longer in that thread; BLAKE3 clears them.
    """

    def __init__(self) -> None:
        self._blake3 = blake3()
        self._crc32 = 0

    def update(self, chunk: Bytes) -> None:
        """Take the next bytes."""
        self._crc32 = crc32(chunk, self._crc32)
        self._blake3.update(chunk)

    @property
    def blake3(self) -> str:
        """Hex digits."""
        return self._blake3.hexdigest()

    @property
    def crc32(self) -> str:
        """Hex digits of the four bytes in little-endian order, as Civitai prints .NET's array."""
        return self._crc32.to_bytes(4, "little").hex()


def file_hashes(
    *,
    size_bytes: int,
    sha256: str,
    light: LightDigests,
    window: Bytes | bytearray,
    tensors: str,
    header: SafetensorsHeader | None,
) -> FileHashes:
    """The hashes of a file from its digests; `window` are the bytes that AutoV1 looks at."""
    has_autov1 = size_bytes >= AUTOV1_MIN_BYTES
    return FileHashes(
        size_bytes=size_bytes,
        sha256=sha256.upper(),
        blake3=light.blake3.upper(),
        crc32=light.crc32.upper(),
        autov1=hashlib.sha256(window).hexdigest()[:8].upper() if has_autov1 else None,
        autov3_full=tensors.upper() if header is not None and header.data_bytes else None,
        sshs=_stated_hash(header),
    )


def _stated_hash(header: SafetensorsHeader | None) -> str | None:
    """Clean the header's own hash: some trainers write 0x before it, some the hash of nothing."""
    if header is None:
        return None
    stated = header.metadata.get("sshs_model_hash", "").strip().upper().removeprefix("0X")
    is_hash = SSHS_MIN_DIGITS <= len(stated) <= len(EMPTY_SHA256) and HEX_DIGITS.issuperset(stated)
    return stated if is_hash and not EMPTY_SHA256.startswith(stated) else None
