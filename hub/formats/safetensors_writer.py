"""Writing the header of a safetensors file without touching its tensors."""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

from hub.formats.copying import COPY_BYTES
from hub.formats.errors import SafetensorsError
from hub.formats.replaced_file import replaced_file
from hub.formats.safetensors_header import (
    BAD_METADATA,
    DEFAULT_LIMITS,
    LENGTH_BYTES,
    METADATA_KEY,
    HeaderLimits,
    SafetensorsHeader,
    TensorInfo,
    parse_header,
    read_header,
)

ALIGNMENT_BYTES = 8


def rewrite_metadata(
    src: Path, dst: Path, metadata: Mapping[str, str], *, limits: HeaderLimits = DEFAULT_LIMITS
) -> SafetensorsHeader:
    """Copy a file with other metadata; the tensor bytes stay identical, and so does AutoV3.

    Written beside `dst` and renamed, so that `dst` may be `src` and is never half written.
    """
    header = read_header(src, limits=limits)
    raw = encode_header(metadata, header.tensors)
    new_header = parse_header(raw, data_bytes=header.data_bytes, limits=limits)
    with src.open("rb") as stream, replaced_file(dst) as out:
        stream.seek(header.data_offset)
        write_header(out, raw)
        shutil.copyfileobj(stream, out, COPY_BYTES)
    return new_header


def encode_header(metadata: Mapping[str, str], tensors: Iterable[TensorInfo]) -> bytes:
    """Return the header JSON, padded with spaces so that the tensors start 8-byte aligned."""
    entries: dict[str, object] = {METADATA_KEY: dict(metadata)} if metadata else {}
    for tensor in tensors:
        entries[tensor.name] = {
            "dtype": tensor.dtype,
            "shape": tensor.shape,
            "data_offsets": (tensor.start, tensor.end),
        }
    raw = json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
    try:
        encoded = raw.encode("utf-8")
    except UnicodeEncodeError as error:
        raise SafetensorsError(BAD_METADATA) from error
    return encoded + b" " * (-len(encoded) % ALIGNMENT_BYTES)


def write_header(stream: IO[bytes], raw: bytes) -> None:
    """Write the length and the header bytes that `encode_header` made."""
    stream.write(len(raw).to_bytes(LENGTH_BYTES, "little"))
    stream.write(raw)
