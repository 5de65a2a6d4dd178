"""Real pictures, good and bad, and posts made through the services."""

import io
import struct
import zlib
from collections.abc import Mapping

from django.utils import timezone
from PIL import Image as Picture
from PIL import PngImagePlugin

from gallery.models import Image, Post
from gallery.services.posts import NewImage, create_post
from gallery.services.process import process_image
from hub.accounts.models import User
from hub.core.visibility import Visibility
from hub.storage.blobs import store_bytes
from hub.storage.models import Blob, Upload, UploadPurpose
from hub.storage.uploads import begin_upload, complete_upload, partial_path
from tests.factories.accounts import UserFactory

INFOTEXT = (
    "yuki_ns, 1girl, (red ribbon:1.2), <lora:inkwash:0.7>\n"
    "looking at viewer\n"
    "Negative prompt: lowres, extra fingers\n"
    "Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 1234567890, "
    "Size: 512x768, Model hash: 31e35c80fc, Model: anything, Clip skip: 2, "
    'Lora hashes: "inkwash: 0123456789ab", Version: v1.10.1'
)


def png_bytes(
    *,
    size: tuple[int, int] = (64, 96),
    colour: tuple[int, int, int] = (40, 90, 160),
    texts: Mapping[str, str] | None = None,
) -> bytes:
    """A PNG as image tools write it, with text chunks."""
    info = PngImagePlugin.PngInfo()
    for key, value in (texts or {}).items():
        info.add_itxt(key, value)
    buffer = io.BytesIO()
    Picture.new("RGB", size, colour).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def turned_jpeg_bytes(*, size: tuple[int, int] = (80, 40)) -> bytes:
    """A JPEG that is stored lying and says in its EXIF that it stands."""
    picture = Picture.new("RGB", size, (200, 60, 60))
    exif = picture.getexif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A few bytes that say they are a very large picture: a decompression bomb."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\x00" * 1000)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data) & 0xFFFFFFFF)
        for kind, data in ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    )


def text_bomb_png() -> bytes:
    """A small PNG whose compressed text takes 200 MB when unpacked."""
    plain = png_bytes()
    text = b"parameters\x00\x00" + zlib.compress(b"a" * (200 << 20), 9)
    chunk = (
        struct.pack(">I", len(text))
        + b"zTXt"
        + text
        + struct.pack(">I", zlib.crc32(b"zTXt" + text) & 0xFFFFFFFF)
    )
    return plain[:33] + chunk + plain[33:]


def store_picture(data: bytes | None = None) -> Blob:
    return store_bytes(data or png_bytes(), content_type="application/octet-stream")


def make_post(
    *,
    owner: User | None = None,
    pictures: list[bytes] | None = None,
    visibility: str = Visibility.PUBLIC,
    **fields: object,
) -> Post:
    """A post whose pictures have not been read yet."""
    images = [
        NewImage(blob=store_picture(data), filename=f"picture-{index}.png")
        for index, data in enumerate(pictures or [png_bytes(texts={"parameters": INFOTEXT})])
    ]
    return create_post(actor=owner or UserFactory(), images=images, visibility=visibility, **fields)


def make_image(
    *,
    owner: User | None = None,
    data: bytes | None = None,
    visibility: str = Visibility.PUBLIC,
    **fields: object,
) -> Image:
    """One picture that has been posted and read."""
    pictures = [data] if data is not None else None
    post = make_post(owner=owner, pictures=pictures, visibility=visibility, **fields)
    image = post.images.get()
    process_image(image_id=image.pk, now=timezone.now())
    return Image.objects.select_related("blob", "owner", "post", "generation").get(pk=image.pk)


def make_upload(
    *,
    owner: User,
    data: bytes,
    filename: str = "picture.png",
    purpose: str = UploadPurpose.IMAGE,
) -> Upload:
    """A file that has arrived whole."""
    upload = begin_upload(actor=owner, purpose=purpose, filename=filename, size_bytes=len(data))
    partial_path(upload.pk).write_bytes(data)
    return complete_upload(upload=upload, sha256=None)
