"""The start page and search, with what the areas' own services made."""

import pytest
from django.test import Client

from frontend.contexts.home import FEWEST_ON_SHEET, SAMPLES, home_context
from hub.accounts.models import User
from hub.storage.blobs import store_bytes
from tests.factories.accounts import UserFactory
from tests.factories.gallery import make_image
from tests.factories.registry import make_model, publish_model
from tests.factories.training import claimed_job, picture_bytes
from training.jobs.models.artifact import ArtifactKind, JobArtifact

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return UserFactory(username="linmo")


def test_an_empty_hub_says_how_to_begin(client: Client) -> None:
    page = client.get("/").content.decode()

    assert "Train the first model" in page
    assert "Create an account" in page


def test_pages_without_an_icon_of_their_own_find_the_mark(client: Client) -> None:
    assert client.get("/favicon.ico").headers["Location"].endswith("mark.svg")


def test_who_has_trained_nothing_is_shown_the_way(client: Client) -> None:
    job, _worker = claimed_job()
    assert "Bring pictures" in client.get("/").content.decode()
    client.force_login(job.owner)
    page = client.get("/").content.decode()
    assert "Bring pictures" not in page
    assert job.name in page


def test_a_run_shows_its_newest_samples(client: Client) -> None:
    job, _worker = claimed_job()
    for step in range(SAMPLES + 1):
        JobArtifact.objects.create(
            job=job,
            kind=ArtifactKind.SAMPLE,
            blob=store_bytes(picture_bytes(step), content_type="image/png"),
            name=f"{step}.png",
            step=step,
        )
    (run,) = home_context(job.owner).runs
    newest = JobArtifact.objects.filter(job=job).order_by("-step")[:SAMPLES]
    assert len(run.samples) == SAMPLES
    assert all(row.blob.sha256 in url for row, url in zip(newest, run.samples, strict=True))


def test_the_newest_pictures_stand_beside_the_greeting_once_there_are_some(
    client: Client, owner: User
) -> None:
    for _number in range(FEWEST_ON_SHEET - 1):
        make_image(owner=owner)
    assert home_context(owner).sheet == []
    make_image(owner=owner)
    assert len(home_context(owner).sheet) == FEWEST_ON_SHEET
    assert home_context(owner).images == []
    assert 'class="sheet-of"' in client.get("/").content.decode()


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
