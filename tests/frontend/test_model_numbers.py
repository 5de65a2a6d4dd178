"""Addresses that tools for Civitai build lead to the model's page."""

import pytest
from django.test import Client

from models_registry.services.names import free_slug
from tests.factories.accounts import UserFactory
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("form", ["/models/{}/", "/models/{}/any-name/"])
def test_a_number_leads_to_the_page_of_the_model(client: Client, form: str) -> None:
    version = publish_model()
    answer = client.get(form.format(version.model_id))
    assert answer.status_code == 302
    assert answer["Location"] == f"/models/{version.model.slug}/"


def test_the_version_id_leads_to_that_version(client: Client) -> None:
    version = publish_model()
    address = f"/models/{version.model_id}?modelVersionId={version.pk}"
    answer = client.get(address, follow=True)
    assert answer.status_code == 200
    assert answer.redirect_chain[-1][0] == f"/models/{version.model.slug}/?v={version.index}"


def test_an_unknown_version_leads_to_the_model(client: Client) -> None:
    version = publish_model()
    answer = client.get(f"/models/{version.model_id}/?modelVersionId=999999999999999999999")
    assert answer["Location"] == f"/models/{version.model.slug}/"


def test_a_private_model_is_not_found_by_its_number(client: Client) -> None:
    version = publish_model(visibility="private")
    assert client.get(f"/models/{version.model_id}/").status_code == 404
    client.force_login(UserFactory())
    assert client.get(f"/models/{version.model_id}/").status_code == 404


def test_a_model_named_by_a_number_has_an_address_with_a_word() -> None:
    assert free_slug("2049") == "model-2049"
