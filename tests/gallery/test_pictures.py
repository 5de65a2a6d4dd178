"""What comes in: good pictures, and everything that only says it is one."""

import io

import pytest
from django.utils import timezone
from PIL import Image as Picture

from gallery.models import Post
from gallery.models.image import ImageStatus
from gallery.services.images import check_picture, inspect_upload
from gallery.services.process import process_image
from hub.core.errors import Conflict, Invalid, NotFound, TooLarge
from hub.formats.picture_end import picture_length
from hub.storage.models import UploadPurpose
from hub.storage.pictures import picture_url
from tests.factories.accounts import UserFactory
from tests.factories.gallery import (
    INFOTEXT,
    make_image,
    make_post,
    make_upload,
    png_bytes,
    png_claiming,
    store_picture,
    text_bomb_png,
    turned_jpeg_bytes,
)
from tests.factories.phone_pictures import phone_jpegs

pytestmark = pytest.mark.django_db


def test_the_size_of_a_picture_is_as_it_is_shown() -> None:
    size = check_picture(store_picture(turned_jpeg_bytes(size=(80, 40))), filename="a.jpg")
    assert (size.width, size.height) == (40, 80)


def test_a_picture_gets_the_content_type_of_its_bytes() -> None:
    blob = store_picture(turned_jpeg_bytes())
    check_picture(blob, filename="wrong.png")
    blob.refresh_from_db()
    assert blob.content_type == "image/jpeg"


@pytest.mark.parametrize(
    "data",
    [b"just some words, but named .png", b"\x89PNG\r\n\x1a\n", b"<svg xmlns='x'></svg>", b"\x00"],
    ids=["text", "signature only", "svg", "one byte"],
)
def test_what_is_no_picture_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(Invalid, match=r"holiday\.png"):
        check_picture(store_picture(data), filename="holiday.png")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (10_001, 10_000)])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    with pytest.raises((Invalid, TooLarge)):
        check_picture(store_picture(png_claiming(width, height)), filename="bomb.png")


def test_the_pixel_limit_is_a_setting_with_two_sides(settings) -> None:
    settings.IMAGE_MAX_PIXELS = 64 * 96
    check_picture(store_picture(png_bytes(size=(64, 96))), filename="a.png")
    with pytest.raises(TooLarge, match="65 × 96"):
        check_picture(store_picture(png_bytes(size=(65, 96))), filename="a.png")


def test_the_byte_limit_is_a_setting_with_two_sides(settings) -> None:
    blob = store_picture(png_bytes())
    settings.IMAGE_MAX_BYTES = blob.size_bytes
    check_picture(blob, filename="a.png")
    settings.IMAGE_MAX_BYTES = blob.size_bytes - 1
    with pytest.raises(TooLarge):
        check_picture(blob, filename="a.png")


def test_a_picture_that_breaks_off_fails_with_a_reason_and_is_seen_by_its_owner_only() -> None:
    noise = Picture.effect_noise((200, 200), 80).convert("RGB")
    buffer = io.BytesIO()
    noise.save(buffer, "PNG")
    whole = buffer.getvalue()
    post = make_post(pictures=[whole[: len(whole) // 2]])
    image = post.images.get()
    process_image(image_id=image.pk, now=timezone.now())
    image.refresh_from_db()
    assert image.status == ImageStatus.FAILED
    assert "broken" in image.failure
    assert type(image).objects.visible_to(post.owner).filter(pk=image.pk).exists()
    assert not type(image).objects.visible_to(UserFactory()).filter(pk=image.pk).exists()


def test_what_a_phone_wrote_behind_a_picture_is_not_kept(client) -> None:
    whole = phone_jpegs()["a picture and Samsung's facts"]
    image = make_image(data=whole)
    assert image.status == ImageStatus.READY
    assert (image.width, image.height, image.blob.content_type) == (20, 16, "image/jpeg")
    served = b"".join(client.get(picture_url(image.blob, public=True)))
    assert served == whole[: picture_length(io.BytesIO(whole))]
    assert len(served) < len(whole)


def test_a_picture_with_a_script_behind_it_is_refused_by_name_and_nothing_is_posted() -> None:
    with pytest.raises(Invalid, match=r"picture-1\.png: 10 bytes that do not belong"):
        make_post(pictures=[png_bytes(), png_bytes() + b"#!/bin/sh\n"])
    assert not Post.objects.exists()


def test_compressed_text_that_grows_without_end_is_not_read() -> None:
    with pytest.raises(Invalid):
        check_picture(store_picture(text_bomb_png()), filename="bomb.png")


def test_reading_a_picture_gives_all_that_its_box_needs() -> None:
    image = make_image(data=png_bytes(size=(64, 96), colour=(40, 90, 160)))
    assert image.status == ImageStatus.READY
    assert (image.width, image.height) == (64, 96)
    assert image.average_colour == "#285aa0"
    assert image.placeholder.startswith("data:image/webp;base64,")
    assert image.blurhash


def test_reading_twice_is_the_same_as_once() -> None:
    image = make_image()
    before = list(image.resources.order_by("position").values_list("name", "hash", "match"))
    process_image(image_id=image.pk, now=timezone.now())
    assert list(image.resources.order_by("position").values_list("name", "hash", "match")) == before


def test_a_deleted_picture_is_nothing_to_read() -> None:
    assert process_image(image_id=987654321, now=timezone.now()) is None


def test_an_uploaded_file_tells_what_is_in_it_before_it_is_posted() -> None:
    owner = UserFactory()
    upload = make_upload(owner=owner, data=png_bytes(texts={"parameters": INFOTEXT}))
    found = inspect_upload(actor=owner, upload_id=upload.pk)
    assert found.generation is not None
    assert found.generation.data.steps == 28
    assert (found.facts.width, found.facts.height) == (64, 96)


def test_the_upload_of_somebody_else_is_not_there() -> None:
    upload = make_upload(owner=UserFactory(), data=png_bytes())
    with pytest.raises(NotFound):
        inspect_upload(actor=UserFactory(), upload_id=upload.pk)


def test_an_upload_for_another_purpose_is_not_looked_at() -> None:
    owner = UserFactory()
    upload = make_upload(owner=owner, data=png_bytes(), purpose=UploadPurpose.DATASET)
    with pytest.raises(Conflict):
        inspect_upload(actor=owner, upload_id=upload.pk)
