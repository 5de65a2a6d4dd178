"""Parts of pages that are kept as HTML show what they would show anew."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from frontend.templatetags import kept
from hub.accounts.models import Role, User
from hub.accounts.services import add_member
from hub.comments.models import Comment
from models_registry.models.model import Model
from tests.factories.accounts import UserFactory, make_team
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    for part in (kept._frame, kept._comment_row, kept._review_row):
        part.cache_clear()


def page(client: Client, address: str = "/models/") -> str:
    return client.get(address).content.decode()


def test_the_frame_is_kept_and_says_where_it_stands() -> None:
    client = Client()
    page(client)
    made = kept._frame.cache_info().misses
    html = page(client, "/models/?type=LORA&q=a%26b%22%3E")
    assert kept._frame.cache_info().misses == made
    address = "/models/?type=LORA&amp;q=a%26b%22%3E"
    assert f'name="next" value="{address}"' in html
    assert 'href="/accounts/login/?next=/models/%3Ftype%3DLORA%26q%3Da%2526b%2522%253E"' in html
    assert "\x00" not in html


def test_every_form_of_the_frame_has_the_token_of_its_reader() -> None:
    first, second = Client(enforce_csrf_checks=True), Client(enforce_csrf_checks=True)
    for client in (first, second):
        html = page(client)
        token = html.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        answer = client.post(
            "/preferences/theme/", {"theme": "light", "csrfmiddlewaretoken": token, "next": "/"}
        )
        assert answer.status_code in {302, 303}, answer.status_code


def test_a_member_is_named_and_nobody_else_is() -> None:
    ada, ben = (UserFactory(username=name, first_name=name.title()) for name in ("ada", "ben"))
    clients = {user: Client() for user in (ada, ben)}
    for user, client in clients.items():
        client.force_login(user)
        html = page(client)
        assert f"<b>{user.public_name}</b>" in html
        other = ben if user == ada else ada
        assert other.public_name not in html
    assert "ada" not in page(Client()).lower().split("<main")[0]
    User.objects.filter(pk=ada.pk).update(first_name="Ada L.", theme="light")
    html = page(clients[ada])
    assert "<b>Ada L.</b>" in html
    assert 'data-theme="light"' in html


def test_the_frame_speaks_the_language_of_its_reader() -> None:
    client = Client()
    assert "Skip to content" in page(client)
    client.cookies["django_language"] = "zh-hans"
    html = page(client)
    assert "模型" in html.split("<main")[0]
    assert "Sign in" not in html


def test_a_comment_says_how_long_ago_it_was_and_what_it_now_says() -> None:
    version = publish_model(name="A", seed=1)
    model, author = version.model, UserFactory(username="ada")
    row = Comment.objects.create(model=model, author=author, text="Fine **work**")
    client = Client()
    address = f"/models/{model.slug}/"
    assert "just now" in page(client, address)
    Comment.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(hours=3))
    html = page(client, address)
    assert "3 hours ago" in html
    assert "<strong>work</strong>" in html
    Comment.objects.filter(pk=row.pk).update(text="Changed", edited_at=timezone.now())
    assert "Changed" in page(client, address)
    Comment.objects.filter(pk=row.pk).update(hidden_at=timezone.now())
    assert "Changed" not in page(client, address)


def test_what_only_the_author_may_do_stands_in_no_other_page() -> None:
    version = publish_model(name="A", seed=1)
    author = UserFactory(username="ada")
    row = Comment.objects.create(model=version.model, author=author, text="Mine")
    own, address = Client(), f"/models/{version.model.slug}/"
    own.force_login(author)
    delete = f"/comments/{row.pk}/delete/"
    assert delete in page(own, address)
    assert delete not in page(Client(), address)


def test_a_page_asks_once_for_the_role_of_its_reader() -> None:
    version = publish_model(name="A", seed=1)
    team = make_team(owner=version.model.owner)
    Model.objects.filter(pk=version.model_id).update(team=team)
    manager = UserFactory()
    membership = add_member(actor=team.created_by, team=team, user=manager, role=Role.MANAGER)
    client, address = Client(), f"/models/{version.model.slug}/"
    client.force_login(manager)
    with CaptureQueriesContext(connection) as asked:
        html = page(client, address)
    roles = [
        query for query in asked if query["sql"].startswith('SELECT "accounts_membership"."ro')
    ]
    assert len(roles) == 1
    edit = f"/models/versions/{version.pk}/edit/"
    assert edit in html
    membership.delete()
    assert edit not in page(client, address), "the next request asks anew"
