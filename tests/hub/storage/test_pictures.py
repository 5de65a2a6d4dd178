import io

import numpy as np
import pytest
from PIL import Image

from hub.core.errors import Invalid, TooLarge
from hub.storage.blobs import store_bytes
from hub.storage.pictures import inspect_picture, picture_url, snap_width
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def _png(size=(640, 400), colour=(200, 30, 30), **options):
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, options.pop("format", "PNG"), **options)
    return buffer.getvalue()


def test_facts_of_a_plain_picture():
    facts = inspect_picture(io.BytesIO(_png()))
    assert (facts.width, facts.height, facts.content_type) == (640, 400, "image/png")
    assert facts.average_colour == "#c81e1e"
    assert facts.placeholder.startswith("data:image/webp;base64,")
    assert len(facts.blurhash) == 28
    assert facts.frames == 1


def test_a_turned_photo_is_measured_as_it_is_shown():
    exif = Image.Exif()
    exif[0x0112] = 6
    facts = inspect_picture(io.BytesIO(_png(format="JPEG", exif=exif)))
    assert (facts.width, facts.height) == (400, 640)


@pytest.mark.parametrize("data", [b"", b"not a picture", _png()[:200], b"GIF89a"])
def test_what_is_not_a_whole_picture_is_refused(data):
    with pytest.raises(Invalid):
        inspect_picture(io.BytesIO(data))


def test_the_pixel_limit_holds_on_both_sides(settings):
    settings.IMAGE_MAX_PIXELS = 640 * 400
    inspect_picture(io.BytesIO(_png()))
    settings.IMAGE_MAX_PIXELS -= 1
    with pytest.raises(TooLarge, match="640 x 400"):
        inspect_picture(io.BytesIO(_png()))


def test_a_width_is_snapped_up_to_an_offered_one():
    assert [snap_width(width) for width in (1, 96, 97, 450, 9000)] == [96, 96, 320, 450, 800]


def test_a_signed_address_serves_a_small_webp_and_the_original(client):
    data = _png()
    blob = store_bytes(data, content_type="image/png")
    UserFactory(avatar=blob)
    small = client.get(picture_url(blob, 320, public=True))
    assert small.status_code == 200
    assert Image.open(io.BytesIO(small.content)).size == (320, 200)
    assert "public" in small["Cache-Control"]
    whole = client.get(picture_url(blob))
    assert b"".join(whole) == data
    whole.close()
    assert "private" in whole["Cache-Control"]


def test_an_address_without_the_right_signature_is_not_found(client):
    blob = store_bytes(_png(), content_type="image/png")
    right = picture_url(blob, 320)
    _empty, media, key, *rest = right.split("/")
    expires, signature = key.split(".")
    long = f"{'9' * 5000}.{signature}"
    forged = (
        long,
        f"{expires}.{signature[:-3]}AAA",
        f"9{key}",
        f"0.{signature}",
        expires,
        "é",
        "x.y",
    )
    for wrong in forged:
        assert client.get("/".join(["", media, wrong, *rest])).status_code == 404
    assert client.get("/".join(["", media, *rest])).status_code == 404
    assert client.get(right).status_code == 200


def test_an_address_ends_in_a_plain_file_name(client):
    blob = store_bytes(_png(), content_type="image/png")
    assert picture_url(blob, 320, name="7").endswith(f"/{blob.sha256}/width=320/7.webp")
    assert picture_url(blob, name="7").endswith(f"/{blob.sha256}/original=true/7.png")


def test_a_picture_is_saved_under_the_ending_of_its_content(client):
    blob = store_bytes(_png(), content_type="image/png")
    UserFactory(avatar=blob)
    answer = client.get(picture_url(blob, public=True).replace("picture.png", "evil.html"))
    assert answer["Content-Disposition"] == 'inline; filename="evil.png"'
    b"".join(answer)
    wide = picture_url(blob, 320, public=True).replace("width=320", f"width={'9' * 5000}")
    assert client.get(wide).status_code == 404


def test_an_expired_address_is_not_found(client, monkeypatch):
    blob = store_bytes(_png(), content_type="image/png")
    with monkeypatch.context() as past:
        past.setattr("hub.storage.pictures.time.time", lambda: 1_700_000_000.0)
        old = picture_url(blob, 320)
    assert client.get(old).status_code == 404


def test_a_lasting_address_ends_with_what_showed_the_picture_to_everyone(client):
    blob = store_bytes(_png(), content_type="image/png")
    address = picture_url(blob, 96, public=True)
    assert client.get(address).status_code == 404
    person = UserFactory(avatar=blob)
    assert client.get(address).status_code == 200
    person.avatar = None
    person.save(update_fields=["avatar"])
    assert client.get(address).status_code == 404
    assert client.get(picture_url(blob, 96)).status_code == 200


def test_a_blob_that_is_no_picture_is_not_served_as_one(client):
    blob = store_bytes(b"<script>", content_type="text/html")
    assert client.get(picture_url(blob)).status_code == 404
    assert client.get(picture_url(blob, 96)).status_code == 404


def test_16_bits_a_channel_are_scaled_and_not_clipped_to_white():
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8), 0x8000, dtype=np.uint16)).save(buffer, "PNG")
    assert inspect_picture(buffer).average_colour == "#808080"
