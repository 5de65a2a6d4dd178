"""A person's page: what they say of themselves, and what the reader may see of theirs."""

import pytest
from django.test import Client

from hub.accounts.models import User
from hub.core.visibility import Visibility
from tests.factories.accounts import UserFactory
from tests.factories.gallery import make_image
from tests.factories.registry import make_model, publish_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def linmo() -> User:
    return UserFactory(username="linmo", first_name="Lin", bio="Night <skies>.")


def test_it_shows_what_is_shared_and_nothing_else(client: Client, linmo: User) -> None:
    publish_model(owner=linmo, name="Violet ridge")
    make_model(owner=linmo, name="Half done")
    publish_model(owner=UserFactory(), name="Of another")
    shown, hidden = make_image(owner=linmo), make_image(owner=linmo, visibility=Visibility.PRIVATE)
    page = client.get("/people/linmo/").content.decode()
    assert "Lin" in page
    assert "Night &lt;skies&gt;." in page
    assert "Violet ridge" in page
    assert f"/images/{shown.pk}/" in page
    for absent in ("Half done", "Of another", f"/images/{hidden.pk}/"):
        assert absent not in page


def test_others_follow_there_and_oneself_edits(client: Client, linmo: User) -> None:
    reader = UserFactory()
    client.force_login(reader)
    assert 'name="on" value="1"' in client.get("/people/linmo/").content.decode()
    client.post("/following/people/linmo/", {"on": "1"})
    assert 'name="on" value="0"' in client.get("/people/linmo/").content.decode()
    own = client.get(f"/people/{reader.username}/").content.decode()
    assert "Edit profile" in own
    assert 'name="on"' not in own


def test_nobody_and_closed_accounts_are_not_found(client: Client, linmo: User) -> None:
    assert client.get("/people/nobody/").status_code == 404
    User.objects.filter(pk=linmo.pk).update(is_active=False)
    assert client.get("/people/linmo/").status_code == 404


def test_the_model_page_leads_there(client: Client, linmo: User) -> None:
    model = publish_model(owner=linmo, name="Violet ridge").model
    assert 'href="/people/linmo/"' in client.get(f"/models/{model.slug}/").content.decode()
