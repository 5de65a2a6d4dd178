"""Import by address, as its page shows it; fetching itself is tested with the service."""

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from models_registry.models.remote_import import RemoteImport, RemoteStatus
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def member() -> Client:
    client = Client()
    client.force_login(UserFactory(username="linmo"))
    return client


def page_of(client: Client, **headers: str) -> str:
    return client.get(reverse("model_imports"), headers=headers).content.decode()


def test_guests_are_sent_to_sign_in(client: Client) -> None:
    assert client.get(reverse("model_imports")).status_code == 302
    assert client.post(reverse("model_imports"), {"url": "https://a.example/x"}).status_code == 401


def test_an_address_is_taken_and_its_progress_shown_until_it_is_over(member: Client) -> None:
    assert "Nothing was fetched yet" in page_of(member)
    member.post(reverse("model_imports"), {"url": "https://model.example/ink.safetensors"})
    RemoteImport.objects.update(
        status=RemoteStatus.RUNNING, received_bytes=512, size_bytes=1024, filename="ink.safetensors"
    )
    part = page_of(member, **HTMX)

    assert "<html" not in part
    assert 'aria-valuenow="512"' in part
    assert "hx-trigger" in part
    RemoteImport.objects.update(
        status=RemoteStatus.SUCCEEDED, received_bytes=1024, upload_uuid=uuid4()
    )
    part = page_of(member, **HTMX)
    assert "hx-trigger" not in part
    assert "Make a model of it" in part


def test_an_address_that_cannot_be_fetched_is_kept_in_the_form_with_the_reason(
    member: Client,
) -> None:
    answer = member.post(reverse("model_imports"), {"url": "ftp://model.example/x"})

    assert answer.status_code == 422
    assert "Only addresses that begin with http:// or https://" in answer.content.decode()
    assert 'value="ftp://model.example/x"' in answer.content.decode()
    assert not RemoteImport.objects.exists()


def test_a_failed_import_says_why_and_can_be_gone_on_with(member: Client) -> None:
    member.post(reverse("model_imports"), {"url": "https://model.example/ink.safetensors"})
    row = RemoteImport.objects.get()
    RemoteImport.objects.update(status=RemoteStatus.FAILED, failure="There is no file there.")
    assert "There is no file there." in page_of(member)
    member.post(reverse("model_import_retry", args=[row.pk]))
    row.refresh_from_db()
    assert row.status == RemoteStatus.QUEUED
    member.post(reverse("model_import_cancel", args=[row.pk]))
    row.refresh_from_db()
    assert row.status == RemoteStatus.CANCELED


def test_nobody_sees_or_stops_the_imports_of_another_person(member: Client) -> None:
    member.post(reverse("model_imports"), {"url": "https://model.example/secret.safetensors"})
    row = RemoteImport.objects.get()
    other = Client()
    other.force_login(UserFactory())
    assert "secret" not in page_of(other)
    other.post(reverse("model_import_cancel", args=[row.pk]))
    row.refresh_from_db()

    assert row.status == RemoteStatus.QUEUED


def test_the_upload_form_takes_over_a_file_that_is_here(member: Client) -> None:
    upload = uuid4()
    page = member.get(reverse("upload_model") + f"?upload={upload}&name=Ink").content.decode()

    assert f'value="{upload}"' in page
    assert 'value="Ink"' in page
    assert "The file is here already." in page
