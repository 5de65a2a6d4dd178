"""Two pages with the same form: the second to be saved undoes nothing that the first one did."""

import html
import re
from typing import Any

import pytest
from django.test import Client

from hub.accounts.models import User
from hub.comments.models import Comment
from hub.comments.services import add_comment
from hub.core.seen import ChangedMeanwhile, laid_over, marks_of
from tests.factories.accounts import UserFactory, make_team
from tests.factories.registry import publish_model
from tests.factories.training import make_dataset
from training.datasets.models.dataset import Dataset

pytestmark = pytest.mark.django_db
ELSEWHERE = "Nothing is saved yet: this was changed elsewhere"


@pytest.fixture
def person(client: Client) -> User:
    found: User = UserFactory(first_name="Lin", bio="Paints.")
    client.force_login(found)
    return found


@pytest.fixture
def dataset(person: User) -> Dataset:
    return make_dataset(owner=person, team=make_team(owner=person), name="Yuki")


def fields_of(page: str) -> dict[str, str]:
    """What a browser would send of the form with the marks."""
    form = next(part for part in page.split("<form")[1:] if 'name="seen"' in part)
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        found[attributes["name"]] = html.unescape(attributes.get("value", ""))
    for name, text in re.findall(
        r'<textarea[^>]*name="(\w+)"[^>]*>\s*(.*?)</textarea>', form, re.S
    ):
        found[name] = html.unescape(text)
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', form, re.S):
        found[name] = re.findall(r'value="(\w+)" selected', options)[0]
    return found


def opened(client: Client, address: str) -> dict[str, str]:
    return fields_of(client.get(address).content.decode())


def sent(client: Client, address: str, fields: dict[str, str], **changes: Any) -> tuple[int, str]:
    answer = client.post(address, fields | changes)
    return answer.status_code, html.unescape(answer.content.decode())


def test_fields_of_a_dataset_that_two_people_change_are_both_kept(
    dataset: Dataset, client: Client
) -> None:
    address = f"/datasets/{dataset.slug}/edit/"
    first, second = opened(client, address), opened(client, address)
    assert sent(client, address, first, trigger_word="yuki_ns", description="a\r\nb")[0] == 302
    assert sent(client, address, second, class_prompt="a girl")[0] == 302
    dataset.refresh_from_db()
    assert (dataset.trigger_word, dataset.class_prompt) == ("yuki_ns", "a girl")
    assert dataset.description == "a\r\nb"


def test_a_field_of_a_dataset_that_both_change_is_told_and_then_taken(
    dataset: Dataset, client: Client
) -> None:
    address = f"/datasets/{dataset.slug}/edit/"
    first, second = opened(client, address), opened(client, address)
    sent(client, address, first, name="Snow", kind="style", visibility="private", class_prompt="a")
    status, page = sent(client, address, second, name="Ice", kind="object", description="mine")
    dataset.refresh_from_db()
    assert (status, dataset.name, dataset.description) == (422, "Snow", "")
    assert ELSEWHERE in page
    assert "It is “Snow” by now. Saved again, yours takes its place." in page
    assert "It is “Style” by now." in page
    again = fields_of(page)
    assert (again["name"], again["kind"], again["description"]) == ("Ice", "object", "mine")
    assert (again["class_prompt"], again["visibility"]) == ("a", "private")
    assert sent(client, address, again)[0] == 302
    dataset.refresh_from_db()
    assert (dataset.name, dataset.kind, dataset.description) == ("Ice", "object", "mine")
    assert (dataset.class_prompt, dataset.visibility) == ("a", "private")


def test_a_profile_open_in_two_tabs_is_not_undone(person: User, client: Client) -> None:
    first, second = opened(client, "/settings/"), opened(client, "/settings/")
    sent(client, "/settings/", first, bio="Paints and draws.")
    assert sent(client, "/settings/", second, first_name="Lin Mo")[0] == 302
    person.refresh_from_db()
    assert (person.first_name, person.bio) == ("Lin Mo", "Paints and draws.")
    status, page = sent(client, "/settings/", first, bio="Sleeps.", first_name="L")
    assert status == 422
    assert "It is “Lin Mo” by now." in page


def test_a_comment_open_in_two_tabs_is_not_undone(person: User, client: Client) -> None:
    model = publish_model(owner=person).model
    comment = add_comment(actor=person, subject=model, text="One")
    address = f"/comments/{comment.pk}/edit/"
    first, second = opened(client, address), opened(client, address)
    assert sent(client, address, first, text="Two")[0] == 302
    assert sent(client, address, second)[0] == 302  # left alone
    status, page = sent(client, address, second, text="Three")
    assert status == 409
    assert "It is “Two” by now." in page
    assert Comment.objects.get().text == "Two"
    assert sent(client, address, fields_of(page) | {"text": ""})[0] == 400
    assert sent(client, address, fields_of(page))[0] == 302
    assert Comment.objects.get().text == "Three"


@pytest.mark.parametrize("seen", ["", "nonsense", "[1]", '{"name": 5, "kind": null}'])
def test_marks_that_are_none_stop_nothing(seen: str, dataset: Dataset, client: Client) -> None:
    address = f"/datasets/{dataset.slug}/edit/"
    fields = opened(client, address)
    assert sent(client, address, fields, seen=seen)[0] == 302


def test_values_without_a_mark_are_taken_as_they_are_given(person: User) -> None:
    seen = marks_of(person, ["bio"])
    person.bio, person.first_name = "Draws.", "Mo"
    typed = {"bio": "Paints.", "first_name": "Li"}
    assert laid_over(person, typed, seen) == {"bio": "Draws.", "first_name": "Li"}
    assert laid_over(person, {"bio": "Draws."}, seen) == {"bio": "Draws."}
    with pytest.raises(ChangedMeanwhile) as told:
        laid_over(person, {"bio": "Sleeps."}, seen)
    assert told.value.fields == ("bio",)
