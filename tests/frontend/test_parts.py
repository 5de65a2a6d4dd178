"""Forms that draw parts of their page anew: with a script nothing else moves on it."""

import json
import re

import pytest
from django.test import Client
from django.urls import reverse

from frontend.requests import PARTS_HEADER
from hub.accounts.models import User
from models_registry.models.version import ModelVersion
from models_registry.services.engagement import follow_person, follow_tag
from tests.factories.accounts import UserFactory
from tests.factories.gallery import make_image
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> User:
    return UserFactory(username="reader", is_staff=True, is_superuser=True)


@pytest.fixture
def version() -> ModelVersion:
    return publish_model(owner=UserFactory(username="linmo"), name="Ink Wash", tags=["ink"])


@pytest.fixture
def member(client: Client, reader: User, version: ModelVersion) -> Client:
    follow_person(actor=reader, username="linmo", is_on=True)
    follow_tag(actor=reader, name="ink", is_on=True)
    client.force_login(reader)
    return client


def pages(reader: User, version: ModelVersion) -> list[str]:
    picture = make_image(owner=reader)
    return [
        reverse("model", args=[version.model.slug]),
        reverse("person", args=["linmo"]),
        reverse("following"),
        f"{reverse('models')}?tag=ink",
        reverse("image", args=[picture.pk]),
    ]


def parts_of(address: str) -> dict[str, str]:
    """What htmx says of the page it is on, when a form asks for parts."""
    return {
        "HX-Request": "true",
        "HX-Current-URL": f"http://testserver{address}",
        PARTS_HEADER: "yes",
    }


def test_every_part_that_a_form_draws_anew_stands_once_in_its_page(
    member: Client, reader: User, version: ModelVersion
) -> None:
    for address in pages(reader, version):
        page = member.get(address).content.decode()
        forms = [form for form in re.findall(r"<form[^>]*>", page) if PARTS_HEADER in form]
        assert forms, address
        for form in forms:
            named = re.findall(r'hx-(?:select|select-oob)="([^"]*)"', form)
            for part in ",".join(named).split(","):
                assert page.count(f'id="{part.removeprefix("#")}"') == 1, (address, part)


def test_a_form_leads_back_to_its_page_and_says_so_beside_the_parts(
    member: Client, version: ModelVersion
) -> None:
    there = reverse("person", args=["linmo"])
    asked = parts_of(there)
    answer = member.post(reverse("person_follow", args=["linmo"]), {"on": "0"}, headers=asked)
    assert (answer.status_code, answer.headers["Location"]) == (302, there)
    page = member.get(there, headers=asked)
    assert "Follow</button>" in page.content.decode()
    assert "You no longer follow" not in page.content.decode()
    told = json.loads(page.headers["HX-Trigger"])["app:toasts"]["toasts"]

    assert [toast["text"] for toast in told] == ["You no longer follow linmo."]


def test_a_form_that_leads_elsewhere_opens_that_page(member: Client) -> None:
    asked = parts_of(reverse("home"))
    answer = member.post(reverse("person_follow", args=["linmo"]), {"on": "0"}, headers=asked)

    assert answer.headers["HX-Redirect"] == reverse("person", args=["linmo"])


def test_a_press_on_a_model_brings_its_buttons_and_its_notes_alone(
    member: Client, version: ModelVersion
) -> None:
    slug = version.model.slug
    for name, args, said in (
        ("model_note", [slug], "Best at 0.5"),
        ("model_engage", [slug, "hide"], "You hide this model"),
        ("model_collect", [slug], "Mine"),
        ("person_follow", ["linmo"], "Stop following linmo"),
    ):
        sent = {"on": "1", "v": "1", "text": "Best at 0.5", "new": "Mine", "model": slug}
        answer = member.post(reverse(name, args=args), sent, headers={"HX-Request": "true"})
        page = answer.content.decode()
        assert said in page
        assert "<html" not in page
        assert member.post(reverse(name, args=args), sent).headers["Location"] == (
            f"/models/{slug}/?v=1"
        )


def test_what_was_typed_is_refused_without_taking_its_place(
    member: Client, version: ModelVersion
) -> None:
    collect = reverse("model_collect", args=[version.model.slug])
    answer = member.post(collect, {"new": "x" * 200}, headers={"HX-Request": "true"})

    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/plain")
