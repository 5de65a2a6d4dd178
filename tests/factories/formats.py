"""Small real files for the tests of the bytes layer."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence

from PIL import Image, PngImagePlugin

ITEM_BYTES = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8, "U8": 1, "F8_E4M3": 1}


def header_json(
    tensors: Mapping[str, tuple[str, Sequence[int]]], metadata: Mapping[str, str] | None = None
) -> tuple[bytes, int]:
    """Return header JSON and the bytes of tensors that it describes."""
    entries: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    position = 0
    for name, (dtype, shape) in tensors.items():
        size = ITEM_BYTES[dtype]
        for side in shape:
            size *= side
        entries[name] = {
            "dtype": dtype,
            "shape": list(shape),
            "data_offsets": [position, position + size],
        }
        position += size
    return json.dumps(entries).encode(), position


def safetensors_bytes(
    tensors: Mapping[str, tuple[str, Sequence[int]]],
    metadata: Mapping[str, str] | None = None,
    *,
    fill: bytes = b"\x2a",
) -> bytes:
    raw, size = header_json(tensors, metadata)
    return framed(raw, fill * size)


def framed(raw: bytes, data: bytes = b"") -> bytes:
    return len(raw).to_bytes(8, "little") + raw + data


def lora_tensors(*, context: int = 768, rank: int = 4, conv: bool = False) -> dict[str, tuple]:
    layer = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    tensors = {
        f"{layer}.lora_down.weight": ("F16", (rank, context)),
        f"{layer}.lora_up.weight": ("F16", (32, rank)),
        f"{layer}.alpha": ("F16", ()),
    }
    if conv:
        name = "lora_unet_down_blocks_0_resnets_0_conv1"
        tensors[f"{name}.lora_down.weight"] = ("F16", (rank, 8, 3, 3))
        tensors[f"{name}.lora_up.weight"] = ("F16", (8, rank, 1, 1))
    return tensors


def zip_bytes(members: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def png_bytes(texts: Mapping[str, str] | None = None, size: tuple[int, int] = (4, 3)) -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, value in (texts or {}).items():
        info.add_text(key, value)
    buffer = io.BytesIO()
    Image.new("RGB", size, (10, 200, 30)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_with_chunk(kind: bytes, data: bytes) -> bytes:
    """Put one chunk behind IHDR."""
    plain = png_bytes()
    end = 8 + 12 + 13
    return plain[:end] + png_chunk(kind, data) + plain[end:]


def exif_image(image_format: str, tags: Mapping[int, str], user_comment: bytes | None) -> bytes:
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[tag] = value
    if user_comment is not None:
        exif.get_ifd(0x8769)[0x9286] = user_comment
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3)).save(buffer, image_format, exif=exif)
    return buffer.getvalue()
