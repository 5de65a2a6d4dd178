"""An address of a picture that never ends gives nothing of what is not for everyone any more."""

import pytest
from django.utils import timezone

from gallery.services.moderation import hide_image, set_post_visibility, show_image
from hub.core.visibility import Visibility
from models_registry.models.model import Model
from models_registry.models.terms import ModelVisibility
from models_registry.services import drafts
from models_registry.services.publish import (
    archive_model,
    publish_version,
    restore_model,
    unpublish_version,
)
from tests.factories.accounts import UserFactory
from tests.factories.gallery import make_image
from tests.factories.registry import add_clean_file, make_version, publish_model
from tests.models_registry.test_drafts import picture_blob

pytestmark = pytest.mark.django_db


def address_in(client, path: str) -> str:
    (item,) = client.get(path).json()["items"]
    return item["url"].removeprefix("http://testserver")


def is_served(client, address: str) -> bool:
    answer = client.get(address)
    b"".join(answer)
    return {200: True, 404: False}[answer.status_code]


def test_a_picture_that_was_made_private_or_hidden(client):
    image = make_image()
    address = address_in(client, f"/api/v1/images?imageId={image.pk}")
    assert address.startswith("/media/0.")
    assert is_served(client, address)
    set_post_visibility(actor=image.owner, post=image.post, visibility=Visibility.PRIVATE)
    assert not is_served(client, address)
    set_post_visibility(actor=image.owner, post=image.post, visibility=Visibility.PUBLIC)
    assert is_served(client, address)
    image.refresh_from_db()
    moderator = UserFactory(is_staff=True)
    hide_image(actor=moderator, image=image, now=timezone.now())
    assert not is_served(client, address)
    image.refresh_from_db()
    show_image(actor=moderator, image=image)
    assert is_served(client, address)


def test_who_may_still_see_a_hidden_picture_gets_an_address_that_ends(client):
    image = make_image()
    hide_image(actor=UserFactory(is_staff=True), image=image, now=timezone.now())
    client.force_login(image.owner)
    page = client.get(f"/images/{image.pk}/").text
    assert f"/{image.blob.sha256}/" in page
    assert "/media/0." not in page


def test_a_cover_of_a_model_that_is_not_for_everyone_any_more(client):
    version = publish_model()
    owner = version.model.owner
    drafts.add_cover(actor=owner, version=version, blob=picture_blob())
    (image,) = client.get(f"/api/v1/models/{version.model_id}").json()["modelVersions"][0]["images"]
    address = image["url"].removeprefix("http://testserver")
    assert address.startswith("/media/0.")
    assert is_served(client, address)
    for visibility in (ModelVisibility.UNLISTED, ModelVisibility.PRIVATE):
        Model.objects.filter(pk=version.model_id).update(visibility=visibility)
        assert not is_served(client, address)
    Model.objects.filter(pk=version.model_id).update(visibility=ModelVisibility.PUBLIC)
    archive_model(actor=owner, model=Model.objects.get(pk=version.model_id))
    assert is_served(client, address)
    restore_model(actor=owner, model=Model.objects.get(pk=version.model_id))
    version.refresh_from_db()
    unpublish_version(actor=owner, version=version)
    assert not is_served(client, address)


def test_a_cover_of_a_version_that_was_taken_back_while_another_stays(client):
    version = publish_model()
    model, owner = version.model, version.model.owner
    other = make_version(model, name="v2")
    add_clean_file(other, seed=5)
    publish_version(actor=owner, version=other)
    drafts.add_cover(actor=owner, version=version, blob=picture_blob())
    (image,) = client.get(f"/api/v1/model-versions/{version.pk}").json()["images"]
    address = image["url"].removeprefix("http://testserver")
    assert is_served(client, address)
    version.refresh_from_db()
    unpublish_version(actor=owner, version=version)
    assert Model.objects.get(pk=model.pk).is_for_everyone
    assert not is_served(client, address)
    client.force_login(owner)
    page = client.get(f"/models/{model.slug}/?v={version.index}").text
    assert f"/{picture_blob().sha256}/" in page
    assert "/media/0." not in page
