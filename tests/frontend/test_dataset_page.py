"""A dataset's page: what came in, and the head that follows it; new datasets and their size."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from hub.accounts.models import User
from tests.factories.accounts import UserFactory, make_team
from tests.factories.registry import publish_model
from tests.factories.training import fill, make_dataset
from training.datasets.models.dataset import Dataset
from training.datasets.models.importing import DatasetImport, ImportEntry, ImportStatus, Outcome

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def owner() -> User:
    return UserFactory(username="linmo")


@pytest.fixture
def dataset(owner: User) -> Dataset:
    return make_dataset(owner=owner, team=make_team(owner=owner), name="Yuki")


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def came(dataset: Dataset, name: str, *outcomes: Outcome, seconds_ago: int = 0) -> None:
    """An import of one upload; with several outcomes it is an archive."""
    batch = DatasetImport.objects.create(
        dataset=dataset, actor=dataset.owner, filename=name, status=ImportStatus.DONE
    )
    at = timezone.now() - timedelta(seconds=seconds_ago)
    DatasetImport.objects.filter(pk=batch.pk).update(created_at=at)
    for number, outcome in enumerate(outcomes):
        shown = name if len(outcomes) == 1 else f"{number}.png"
        ImportEntry.objects.create(batch=batch, name=shown, outcome=outcome)


def test_files_of_one_folder_are_one_line_and_a_zip_is_its_own(
    client: Client, dataset: Dataset
) -> None:
    came(dataset, "old.png", Outcome.ADDED, seconds_ago=500)
    for number in range(14):
        came(dataset, f"yuki/{number}.png", Outcome.ADDED, seconds_ago=60 - number)
    came(dataset, "yuki/notes.pdf", Outcome.NOT_AN_IMAGE, seconds_ago=46)
    came(dataset, "more.zip", Outcome.ADDED, Outcome.DUPLICATE, seconds_ago=40)
    came(dataset, "a/1.png", Outcome.ADDED, seconds_ago=2)
    came(dataset, "b.png", Outcome.ADDED, seconds_ago=1)
    page = client.get(f"/datasets/{dataset.slug}/").content.decode()
    lines = [
        ("2 files", "2 added"),
        ("more.zip", "1 added · Already here: 1"),
        ("yuki · 15 files", "14 added · Not an image: 1"),
        ("old.png", "1 added"),
    ]
    shown = '<b>{}</b> <span class="t2">{}</span>'
    places = [page.find(shown.format(*line)) for line in lines]
    assert -1 not in places, lines[places.index(-1)]
    assert places == sorted(places)
    assert page.count("<summary>") == len(lines)
    assert "<code>yuki/notes.pdf</code>" in page


def test_the_page_asks_as_often_however_many_files_came(
    client: Client, dataset: Dataset, django_assert_max_num_queries
) -> None:
    for number in range(30):
        came(dataset, f"yuki/{number}.png", Outcome.ADDED)
    with django_assert_max_num_queries(22):
        client.get(f"/datasets/{dataset.slug}/")


def test_the_head_comes_along_when_pictures_have_arrived(client: Client, dataset: Dataset) -> None:
    address = f"/datasets/{dataset.slug}/"
    empty = client.get(address).content.decode()
    assert "/train/?dataset=yuki" not in empty
    assert "hx-swap-oob" not in empty
    fill(dataset, 2)
    part = client.get(address, **HTMX).content.decode()
    assert 'id="head" hx-swap-oob="true"' in part
    assert "/train/?dataset=yuki" in part


def test_a_new_dataset_has_the_size_of_the_bases_where_they_agree(
    client: Client, dataset: Dataset
) -> None:
    def offered() -> bool:
        page = client.get("/datasets/new/").content.decode()
        return 'name="resolution" value="1024"' in page

    assert not offered()
    publish_model(base_model="SDXL 1.0", type="Checkpoint")
    assert offered()
    publish_model(base_model="SD 1.5", type="Checkpoint")
    assert not offered()


def test_who_makes_a_team_goes_on_to_where_it_was_needed(client: Client) -> None:
    person = UserFactory()
    client.force_login(person)
    answer = client.get("/train/?dataset=yuki")
    assert answer.headers["Location"] == "/teams/?next=/train/%3Fdataset%3Dyuki"
    made = client.post(answer.headers["Location"], {"name": "Paper"})
    assert made.headers["Location"] == "/train/?dataset=yuki"
    other = client.post("/teams/?next=https://evil.example/", {"name": "Ink"})
    assert other.headers["Location"] == "/teams/ink/"
