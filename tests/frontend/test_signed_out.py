"""A session that ends while somebody works: nothing that was sent goes astray."""

import pytest
from django.test import Client

from tests.factories.accounts import UserFactory
from training.datasets.models.dataset import Dataset


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Accept": "application/json"}, {}),
        ({}, {"name": "typed"}),
        ({"HX-Request": "true"}, {"name": "typed"}),
    ],
)
def test_what_a_signed_out_person_sends_is_refused_and_not_led_away(
    client: Client, headers: dict[str, str], words: dict[str, str]
) -> None:
    answer = client.post("/datasets/new/", words, headers=headers)
    assert answer.status_code == 401
    assert "You are signed out" in answer.content.decode()


@pytest.mark.django_db
def test_a_refused_form_is_taken_when_it_is_sent_again_after_signing_in(client: Client) -> None:
    form = {"name": "Yuki", "kind": "character", "resolution": "512"}
    assert client.post("/teams/", {"name": "Night studio"}).status_code == 401
    client.force_login(UserFactory())
    assert client.post("/teams/", {"name": "Night studio"}).status_code == 302
    assert client.post("/datasets/new/", form).status_code == 302
    assert Dataset.objects.get().name == "Yuki"


def test_a_button_leads_to_sign_in_and_back_to_its_page(client: Client) -> None:
    pressed = {"Referer": "http://testserver/models/yuki/?v=2"}
    answer = client.post("/models/yuki/save/", headers=pressed)
    assert answer.headers["Location"] == "/accounts/login/?next=/models/yuki/%3Fv%3D2"
    elsewhere = {"Referer": "http://elsewhere.example/x"}
    answer = client.post("/models/yuki/save/", headers=elsewhere)
    assert answer.headers["Location"] == "/accounts/login/?next=/"


def test_a_part_of_a_page_is_no_place_to_come_back_to(client: Client) -> None:
    asked = {"HX-Request": "true", "HX-Current-URL": "http://testserver/runs/3/"}
    answer = client.get("/runs/3/?part=top", headers=asked)
    assert answer.headers["HX-Redirect"] == "/accounts/login/?next=/runs/3/"


def test_an_old_proof_is_told_to_a_script_as_json() -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/datasets/new/", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
