"""The tag editor's commands: what a page sends, and what it is told back."""

import json
from typing import Any

import pytest
from django.test import Client

from tests.factories.accounts import UserFactory
from tests.factories.training import fill, make_dataset
from training.datasets.models.dataset import Dataset
from training.datasets.models.item import Item
from training.datasets.queries import items_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset() -> Dataset:
    found = make_dataset(owner=UserFactory(username="linmo"))
    fill(found, 3)
    return found


@pytest.fixture
def client(dataset: Dataset) -> Client:
    client = Client()
    client.force_login(dataset.owner)
    return client


def do(client: Client, dataset: Dataset, status: int = 200, **given: Any) -> dict[str, Any]:
    answer = client.post(
        f"/datasets/{dataset.slug}/tags/commands/",
        json.dumps(given),
        content_type="application/json",
    )
    assert answer.status_code == status, answer.content
    return answer.json()


def ids(items: list[Item]) -> list[str]:
    return [str(item.pk) for item in items]


def test_pictures_are_taken_out_and_put_back_with_their_tags(
    client: Client, dataset: Dataset
) -> None:
    first, second, _third = items_of(dataset)
    answer = do(client, dataset, kind="delete", items=ids([first, second]))
    assert answer["items"] == []
    assert items_of(dataset).count() == 1
    answer = do(client, dataset, kind="restore", items=ids([first, second]))
    assert items_of(dataset).count() == 3
    assert [item["tags"] for item in answer["items"]] == [["yuki", "girl", "snow"]] * 2


def test_a_caption_may_be_running_text_until_it_is_emptied(
    client: Client, dataset: Dataset
) -> None:
    item = items_of(dataset)[0]
    answer = do(client, dataset, kind="text", items=ids([item]), text="A girl, in the snow.")
    assert answer["items"][0]["text"] == "A girl, in the snow."
    assert answer["undo"]
    answer = do(client, dataset, kind="text", items=ids([item]), text="")
    assert (answer["items"][0]["text"], answer["items"][0]["tags"]) == ("", item.tag_texts)


def test_pictures_are_told_as_they_are_now(client: Client, dataset: Dataset) -> None:
    first, second, _third = items_of(dataset)
    do(client, dataset, kind="delete", items=ids([second]))
    address = f"/datasets/{dataset.slug}/tags/items/"
    answer = client.get(address, {"ids": f"{first.pk},{second.pk}"}).json()
    assert [item["id"] for item in answer["items"]] == [str(first.pk)]
    assert client.get(address, {"ids": "x"}).status_code == 400


def test_repeats_are_set_within_their_limit(client: Client, dataset: Dataset) -> None:
    chosen = ids(list(items_of(dataset)))
    answer = do(client, dataset, kind="repeats", items=chosen, repeats=4)
    assert [item["repeats"] for item in answer["items"]] == [4, 4, 4]
    refused = do(client, dataset, status=400, kind="repeats", items=chosen, repeats=1001)
    assert "1 to 1000" in refused["error"]
    do(client, dataset, status=400, kind="repeats", items=chosen, repeats="many")


def test_the_page_offers_what_its_reader_may_do(client: Client, dataset: Dataset) -> None:
    page = client.get(f"/datasets/{dataset.slug}/tags/").content.decode()
    assert 'id="caption"' in page
    assert '"repeats": 1' in page
    assert '"canEdit": true' in page


def test_the_button_stands_there_only_with_a_tagger(
    client: Client, dataset: Dataset, settings: Any
) -> None:
    settings.TAGGER_COMMAND = []
    address = f"/datasets/{dataset.slug}/tags/"
    assert 'id="auto"' not in client.get(address).content.decode()
    settings.TAGGER_COMMAND = ["/opt/tagger"]
    assert 'id="auto"' in client.get(address).content.decode()
    idle = {"status": "done", "done": 0, "total": 0, "error": ""}
    assert client.get(f"{address}auto/").json() == idle
    chosen = json.dumps({"kind": "add", "items": ids(list(items_of(dataset)))})
    answer = client.post(f"{address}auto/", chosen, content_type="application/json")
    assert answer.json() == {"status": "waiting", "done": 0, "total": 3, "error": ""}
    again = client.post(f"{address}auto/", chosen, content_type="application/json")
    assert again.status_code == 409
