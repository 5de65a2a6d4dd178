"""The crop page through Django's client: frames are numbers, one step, all or none."""

import json
from typing import Any

import pytest
from django.test import Client

from tests.factories.accounts import UserFactory
from tests.factories.training import bring_in, make_dataset, picture_bytes
from training.datasets.models.dataset import Dataset
from training.datasets.models.item import Item
from training.datasets.queries import items_of
from training.datasets.services.items import remove_items

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(client: Client) -> Dataset:
    found = make_dataset(name="Yuki")
    bring_in(found, "a.png", picture_bytes(1, size=(200, 100)))
    bring_in(found, "b.png", picture_bytes(2, size=(100, 100)))
    client.force_login(found.owner)
    return found


def save(client: Client, dataset: Dataset, **body: Any) -> Any:
    address = f"/datasets/{dataset.slug}/crop/save/"
    return client.post(address, json.dumps(body), content_type="application/json")


def crops(dataset: Dataset) -> list[tuple[int, int, int, int] | None]:
    return [item.crop for item in items_of(dataset)]


def first_of(dataset: Dataset) -> Item:
    found = items_of(dataset).first()
    assert found is not None
    return found


def test_a_frame_is_saved_and_cleared_again(client: Client, dataset: Dataset) -> None:
    item = first_of(dataset)
    answer = save(client, dataset, crops={str(item.pk): [10, 0, 100, 100]}).json()
    assert [(row["id"], row["crop"]) for row in answer["items"]] == [
        (str(item.pk), [10, 0, 100, 100])
    ]
    assert crops(dataset) == [(10, 0, 100, 100), None]
    save(client, dataset, crops={str(item.pk): None})
    assert crops(dataset) == [None, None]


def test_the_same_frame_for_all_answers_with_every_picture_so_that_it_can_be_undone(
    client: Client, dataset: Dataset
) -> None:
    item = first_of(dataset)
    answer = save(client, dataset, crops={str(item.pk): [0, 0, 100, 100]}, for_all=True).json()
    assert len(answer["items"]) == 2
    assert None not in crops(dataset)
    before = {row["id"]: None for row in answer["items"]}
    save(client, dataset, crops=before)
    assert crops(dataset) == [None, None]


def test_one_frame_outside_its_picture_changes_none(client: Client, dataset: Dataset) -> None:
    one, other = items_of(dataset)
    answer = save(
        client, dataset, crops={str(one.pk): [0, 0, 50, 50], str(other.pk): [90, 0, 50, 50]}
    )
    assert answer.status_code == 400
    assert "inside the picture" in answer.json()["error"]
    assert crops(dataset) == [None, None]


def test_a_picture_that_was_removed_meanwhile_changes_none(
    client: Client, dataset: Dataset
) -> None:
    one, other = items_of(dataset)
    remove_items(actor=dataset.owner, items=[other])
    answer = save(client, dataset, crops={str(one.pk): [0, 0, 50, 50], str(other.pk): None})
    assert answer.status_code == 404
    assert crops(dataset) == [None]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"crops": {}},
        {"crops": {"x": None}},
        {"crops": {"0192a0e4-0000-7000-8000-000000000000": [1, 2, 3]}},
        {"crops": {"0192a0e4-0000-7000-8000-000000000000": [0, 0, 1.5, True]}},
        {"crops": {"0192a0e4-0000-7000-8000-000000000000": None}, "for_all": True},
    ],
)
def test_what_is_no_crop_is_refused_in_words(
    body: dict[str, Any], client: Client, dataset: Dataset
) -> None:
    answer = save(client, dataset, **body)
    assert answer.status_code == 400
    assert answer.json()["error"] == "The crop could not be read. Reload the page."


def test_a_stranger_sees_no_page_and_a_guest_changes_nothing(
    client: Client, dataset: Dataset
) -> None:
    item = first_of(dataset)
    Dataset.objects.filter(pk=dataset.pk).update(visibility="public")
    client.force_login(UserFactory())
    page = client.get(f"/datasets/{dataset.slug}/crop/").content.decode()
    assert '"canEdit": false' in page
    assert save(client, dataset, crops={str(item.pk): [0, 0, 50, 50]}).status_code == 403
    Dataset.objects.filter(pk=dataset.pk).update(visibility="team")
    assert client.get(f"/datasets/{dataset.slug}/crop/").status_code == 404
    assert crops(dataset)[0] is None


def test_an_empty_dataset_leads_to_its_import(client: Client) -> None:
    empty = make_dataset(name="Empty")
    client.force_login(empty.owner)
    page = client.get(f"/datasets/{empty.slug}/crop/").content.decode()
    assert "No image yet" in page
    assert "app/crop" not in page.split("</head>")[1]


def test_the_page_of_the_dataset_leads_to_the_crops(client: Client, dataset: Dataset) -> None:
    item = first_of(dataset)
    save(client, dataset, crops={str(item.pk): [0, 0, 50, 50]})
    page = client.get(f"/datasets/{dataset.slug}/").content.decode()
    assert f'href="/datasets/{dataset.slug}/crop/"' in page
    assert f'href="/datasets/{dataset.slug}/crop/?image={item.pk}"' in page
    assert page.count('aria-label="Cropped"') == 1


@pytest.mark.parametrize("page", ["crop/save", "tags/commands"])
def test_what_is_nested_too_deep_to_be_read_is_refused_in_words(
    page: str, client: Client, dataset: Dataset
) -> None:
    body = "[" * 100_000
    address = f"/datasets/{dataset.slug}/{page}/"
    answer = client.post(address, body, content_type="application/json")
    assert answer.status_code == 400
    assert "could not be read" in answer.json()["error"]
