"""The pages of the gallery: what they show, to whom, and what they answer to htmx."""

import html
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from gallery.models import Image, Post
from gallery.services.moderation import hide_image
from gallery.services.process import process_image
from hub.accounts.models import User
from hub.core.visibility import Visibility
from hub.formats.generation.a1111 import parse_infotext
from tests.factories.accounts import UserFactory, make_team
from tests.factories.gallery import INFOTEXT, make_image, make_post, make_upload, png_bytes
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def client_of(user: User | None = None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def text_of(response) -> str:
    return response.content.decode()


def test_the_list_shows_24_and_the_next_ones_by_cursor_without_repeating() -> None:
    made = [make_image(data=png_bytes(colour=(n, 0, 0))).pk for n in range(26)]
    page = text_of(client_of().get("/images/"))
    shown = re.findall(r'href="/images/(\d+)/"', page)
    assert len(shown) == 24
    more = html.unescape(re.search(r'hx-get="(/images/\?cursor=[^"]+)"', page)[1])
    part = text_of(client_of().get(more, headers=HTMX))
    assert "<html" not in part
    rest = re.findall(r'href="/images/(\d+)/"', part)
    assert sorted(map(int, shown + rest)) == sorted(made)
    assert 'class="more"' not in part


def test_every_card_has_its_size_before_it_loads_and_its_data_to_copy() -> None:
    make_image()
    page = text_of(client_of().get("/images/"))
    assert 'data-ratio="64:96"' in page
    assert 'width="64" height="96"' in page
    assert INFOTEXT in html.unescape(page)


def test_a_filter_answers_htmx_with_the_results_and_a_clean_address() -> None:
    image = make_image(owner=UserFactory(username="linmo"))
    response = client_of().get("/images/?author=linmo&model=&sort=newest&prompt=1", headers=HTMX)
    assert response.headers["HX-Push-Url"] == "/images/?author=linmo&prompt=1"
    part = text_of(response)
    assert "<html" not in part
    assert f"/images/{image.pk}/?author=linmo&amp;prompt=1" in part
    assert "HX-Request" in response.headers["Vary"]


def test_chips_take_one_filter_away_and_leave_the_others() -> None:
    make_image(owner=UserFactory(username="linmo"))
    page = text_of(client_of().get("/images/?author=linmo&prompt=1"))
    assert 'href="/images/?prompt=1"' in page
    assert 'href="/images/?author=linmo"' in page


@pytest.mark.parametrize("query", ["sort=prettiest", "model=abc", "cursor=nonsense", "post=-1"])
def test_an_address_that_makes_no_sense_is_a_400_page(query: str) -> None:
    assert client_of().get(f"/images/?{query}").status_code == 400


def test_an_empty_hub_and_an_empty_result_say_different_things() -> None:
    assert "No images yet" in text_of(client_of().get("/images/"))
    assert "No image matches" in text_of(client_of().get("/images/?author=nobody"))
    own = client_of(UserFactory())
    assert "No image in this list yet" in text_of(own.get("/images/?scope=mine"))
    assert "No model in this list yet" in text_of(own.get("/models/?scope=mine"))


def test_the_viewer_shows_every_setting_with_a_way_to_copy_it() -> None:
    version = publish_model(name="Ink Wash")
    image = make_image(model_version=version)
    page = html.unescape(text_of(client_of().get(f"/images/{image.pk}/")))
    for value in ("DPM++ 2M", "28", "6.5", "1234567890", "512x768", "lowres, extra fingers"):
        assert f'data-copy="{value}"' in page, value
    copied = re.search(r'data-copy="([^"]*(?:"[^"]*)*?)" data-copy-generation', page, re.DOTALL)
    assert copied is not None
    assert "anything" in page
    assert "Not on this hub" in page


def test_the_copied_text_of_the_page_parses_to_the_data_of_the_picture() -> None:
    image = make_image()
    page = text_of(client_of().get(f"/images/{image.pk}/"))
    button = re.search(r"<button[^>]*data-copy-generation[^>]*>", page)[0]
    copied = html.unescape(re.search(r'data-copy="([^"]*)"', button)[1])
    assert parse_infotext(copied) == parse_infotext(INFOTEXT)


def test_a_model_is_linked_only_for_those_who_may_see_it() -> None:
    version = publish_model(name="Secret Ink", visibility=Visibility.PRIVATE)
    owner = version.model.owner
    image = make_image(owner=owner, model_version=version)
    assert "Secret Ink" in text_of(client_of(owner).get(f"/images/{image.pk}/"))
    assert "Secret Ink" not in text_of(client_of(UserFactory()).get(f"/images/{image.pk}/"))


def test_the_viewer_answers_htmx_with_its_inside_and_knows_its_neighbours() -> None:
    first, second = make_image(), make_image(data=png_bytes())
    part = text_of(client_of().get(f"/images/{first.pk}/?sort=oldest", headers=HTMX))
    assert "<html" not in part
    assert f'href="/images/{second.pk}/?sort=oldest"' in part
    assert "Previous image" not in part


def test_a_picture_without_data_says_so() -> None:
    image = make_image(data=png_bytes())
    page = text_of(client_of().get(f"/images/{image.pk}/"))
    assert "No generation data in this file." in page
    assert "data-copy-generation" not in page


def test_a_picture_that_could_not_be_read_tells_its_owner_why() -> None:
    post = make_post(pictures=[png_bytes(size=(300, 300), colour=(3, 7, 9))])
    image = post.images.get()
    assert "being read" in text_of(client_of(post.owner).get(f"/images/{image.pk}/"))
    Image.objects.filter(pk=image.pk).update(status="failed", failure="The file is broken.")
    assert "The file is broken." in text_of(client_of(post.owner).get(f"/images/{image.pk}/"))


@pytest.mark.parametrize("who", ["stranger", "nobody"])
def test_what_is_not_visible_is_a_404_on_every_address(who: str) -> None:
    image = make_image(visibility=Visibility.PRIVATE)
    client = client_of(UserFactory() if who == "stranger" else None)
    assert client.get(f"/images/{image.pk}/").status_code == 404
    hidden = make_image()
    hide_image(actor=UserFactory(is_staff=True), image=hidden, now=timezone.now())
    assert client.get(f"/images/{hidden.pk}/").status_code == 404
    assert client.get("/images/99999999/").status_code == 404
    if who == "stranger":
        for name in ("image_comment", "image_share", "image_delete", "image_hide"):
            assert client.post(reverse(name, args=[image.pk])).status_code == 404, name


def test_what_is_visible_but_not_allowed_is_a_403() -> None:
    image = make_image()
    client = client_of(UserFactory())
    for name in ("image_share", "image_delete", "image_hide"):
        data = {"visibility": "private"}
        assert client.post(reverse(name, args=[image.pk]), data).status_code == 403, name
    assert Image.objects.filter(pk=image.pk, visibility=Visibility.PUBLIC).exists()


def test_changes_need_a_signed_in_person_and_a_post() -> None:
    image = make_image()
    response = client_of().post(reverse("image_comment", args=[image.pk]), {"text": "hello"})
    assert response.status_code == 401  # nothing that was typed is lost on another page
    assert "/accounts/login/" in text_of(response)
    assert client_of(image.owner).get(reverse("image_delete", args=[image.pk])).status_code == 405


def test_reacting_works_with_and_without_htmx() -> None:
    image, person = make_image(), UserFactory()
    address = reverse("image_react", args=[image.pk, "like"])
    part = text_of(client_of(person).post(address, headers=HTMX))
    assert 'aria-pressed="true"' in part
    assert "<html" not in part
    response = client_of(person).post(address)
    assert response.headers["Location"] == f"/images/{image.pk}/"
    image.refresh_from_db()
    assert image.like_count == 0
    unknown = reverse("image_react", args=[image.pk, "wow"])
    assert client_of(person).post(unknown).status_code == 400


def test_the_owner_deletes_and_shares_and_staff_hide() -> None:
    image = make_image()
    owner = client_of(image.owner)
    owner.post(reverse("image_share", args=[image.pk]), {"visibility": "private"})
    image.refresh_from_db()
    assert image.visibility == Visibility.PRIVATE
    owner.post(reverse("image_share", args=[image.pk]), {"visibility": "public"})
    staff = client_of(UserFactory(is_staff=True, is_superuser=True))
    staff.post(reverse("image_hide", args=[image.pk]))
    image.refresh_from_db()
    assert image.hidden_at is not None
    staff.post(reverse("image_hide", args=[image.pk]))
    assert owner.post(reverse("image_delete", args=[image.pk])).status_code == 302
    assert not Image.objects.filter(pk=image.pk).exists()


def test_posting_from_the_page_makes_a_post_for_the_chosen_people() -> None:
    owner = UserFactory()
    team = make_team(owner=owner)
    upload = make_upload(owner=owner, data=png_bytes(texts={"parameters": INFOTEXT}))
    response = client_of(owner).post(
        "/images/upload/",
        {"uploads": str(upload.pk), "title": "Lake", "visibility": "team", "team": team.pk},
    )
    post = Post.objects.get()
    assert response.headers["Location"] == f"/images/?post={post.pk}&scope=mine"
    assert (post.title, post.visibility, post.team) == ("Lake", Visibility.TEAM, team)
    process_image(image_id=post.images.get().pk, now=timezone.now())
    assert client_of(owner).get(f"/images/{post.images.get().pk}/").status_code == 200


def test_a_post_that_cannot_be_made_keeps_what_was_typed() -> None:
    owner = UserFactory()
    bad = make_upload(owner=owner, data=b"words", filename="words.png")
    response = client_of(owner).post(
        "/images/upload/", {"uploads": str(bad.pk), "title": "My title", "visibility": "public"}
    )
    assert response.status_code == 422
    assert "words.png is not a picture" in text_of(response)
    assert 'value="My title"' in text_of(response)
    nothing = client_of(owner).post("/images/upload/", {"visibility": "public"})
    assert nothing.status_code == 422
    garbled = client_of(owner).post("/images/upload/", {"uploads": "x,y", "visibility": "public"})
    assert garbled.status_code == 422
    assert not Post.objects.exists()


def test_posting_needs_a_signed_in_person() -> None:
    assert client_of().get("/images/upload/").status_code == 302


def test_a_file_that_arrived_is_described_or_refused_in_its_row() -> None:
    owner = UserFactory()
    good = make_upload(owner=owner, data=png_bytes(texts={"parameters": INFOTEXT}))
    bad = make_upload(owner=owner, data=b"words", filename="words.png")
    row = text_of(client_of(owner).get(f"/images/upload/file/?upload={good.pk}"))
    assert "64 × 96" in row
    assert "Generation data found" in row
    assert "data-error" not in row
    for wrong in (bad.pk, "nonsense", make_upload(owner=UserFactory(), data=png_bytes()).pk):
        row = text_of(client_of(owner).get(f"/images/upload/file/?upload={wrong}"))
        assert "data-error" in row, wrong


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_opens_in_both_languages(language: str) -> None:
    image = make_image()
    client = client_of(image.owner)
    client.cookies["django_language"] = language
    for address in ("/images/", f"/images/{image.pk}/", "/images/upload/"):
        page = client.get(address)
        assert page.status_code == 200
        assert page.headers["Content-Language"] == language
