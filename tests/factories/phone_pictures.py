"""JPEGs as phones write them: with a video, another picture or facts behind their end."""

import io
import struct
from collections.abc import Mapping

from PIL import Image


def jpeg_bytes(size: tuple[int, int] = (20, 16), colour: tuple[int, int, int] = (9, 9, 9)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG")
    return buffer.getvalue()


def mpf_bytes() -> bytes:
    """Two pictures in a file, as for a gain map; the first is the one that is shown."""
    buffer = io.BytesIO()
    first = Image.new("RGB", (20, 16), (200, 30, 30))
    second = Image.new("RGB", (10, 8), (30, 30, 200))
    first.save(buffer, "MPO", save_all=True, append_images=[second])
    return buffer.getvalue()


def video_bytes() -> bytes:
    """The boxes of an MP4; nothing in them plays."""
    boxes = ((b"ftyp", b"mp42\0\0\0\0isom"), (b"moov", bytes(8)), (b"mdat", b"\xff\xd9frames"))
    return b"".join(struct.pack(">I", 8 + len(data)) + kind + data for kind, data in boxes)


def samsung_trailer(blocks: Mapping[bytes, bytes]) -> bytes:
    """Blocks of facts and the directory that names them from the end."""
    bodies = [
        struct.pack("<HHI", 0, 0x0A00 + number, len(name)) + name + data
        for number, (name, data) in enumerate(blocks.items())
    ]
    directory, left = b"", sum(map(len, bodies))
    for number, body in enumerate(bodies):
        directory += struct.pack("<HHII", 0, 0x0A00 + number, left, len(body))
        left -= len(body)
    listing = b"SEFH" + struct.pack("<II", 107, len(bodies)) + directory
    return b"".join(bodies) + listing + struct.pack("<I", len(listing)) + b"SEFT"


def phone_jpegs() -> Mapping[str, bytes]:
    """Whole files by what is behind the picture."""
    facts = samsung_trailer({b"Image_UTC_Data": b"1700000000000", b"MotionPhoto": video_bytes()})
    return {
        "nothing": jpeg_bytes(),
        "padding": jpeg_bytes() + bytes(100),
        "a picture": mpf_bytes(),
        "a video": jpeg_bytes() + video_bytes(),
        "padding and a video": jpeg_bytes() + bytes(3) + video_bytes(),
        "a picture and a video": mpf_bytes() + video_bytes(),
        "Samsung's facts": jpeg_bytes() + facts,
        "a picture and Samsung's facts": mpf_bytes() + facts,
    }
