"""The start page and search, with what the areas' own services made."""

import pytest
from django.test import Client

from hub.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.registry import make_model, publish_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return UserFactory(username="linmo")


def test_an_empty_hub_says_how_to_begin(client: Client) -> None:
    page = client.get("/").content.decode()

    assert "Train the first model" in page
    assert "Create an account" in page


def test_drafts_are_shown_to_their_owner_only(client: Client, owner: User) -> None:
    make_model(owner=owner, name="Half done")
    assert "Half done" not in client.get("/").content.decode()

    client.force_login(owner)

    assert "Half done" in client.get("/").content.decode()


def test_search_finds_published_models_by_their_words(client: Client, owner: User) -> None:
    publish_model(owner=owner, name="Violet ridge")
    make_model(owner=owner, name="Violet secret")

    page = client.get("/search/", {"q": "violet"}).content.decode()

    assert "Violet ridge" in page
    assert "Violet secret" not in page


@pytest.mark.parametrize("text", ["", "nowhere at all", "\0", "%", "'", "a" * 5000, "deadbeefcafe"])
def test_search_answers_whatever_is_typed(client: Client, text: str) -> None:
    assert client.get("/search/", {"q": text}).status_code == 200


def test_what_was_typed_is_escaped(client: Client) -> None:
    assert "<b>x" not in client.get("/search/", {"q": '"><b>x'}).content.decode()
