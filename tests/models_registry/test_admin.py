"""The administrators' pages open and leave state changes to the services."""

import pytest
from django.urls import reverse

from models_registry.models.model import Model
from tests.factories.accounts import UserFactory
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin_page(client):
    client.force_login(UserFactory(is_superuser=True, is_staff=True))

    def open_page(name: str, *args: object):
        return client.get(reverse(f"admin:models_registry_{name}", args=args))

    return open_page


def test_lists_and_single_rows_open(admin_page):
    version = publish_model()
    for name in ("basemodel", "tag", "model", "modelfile"):
        assert admin_page(f"{name}_changelist").status_code == 200
    assert admin_page("model_change", version.model_id).status_code == 200
    assert admin_page("modelfile_change", version.files.get().pk).status_code == 200


def test_models_can_only_be_looked_at(admin_page, client):
    version = publish_model()
    assert admin_page("model_add").status_code == 403
    assert admin_page("model_delete", version.model_id).status_code == 403
    address = reverse("admin:models_registry_model_change", args=[version.model_id])
    assert client.post(address, {"name": "Changed"}).status_code == 403
    assert Model.objects.get(pk=version.model_id).name == "Ink Wash"


def test_administrators_sign_in_where_everyone_does_and_nobody_else_gets_further(client):
    address = reverse("admin:login")
    assert client.get(address)["Location"] == "/accounts/login/?next=%2Fadmin%2Flogin%2F"
    client.force_login(UserFactory())
    assert client.get(address).status_code == 403
