"""Mails and pages of signing in: our own words, the site's name, both languages."""

import re

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils.translation import gettext, override

from hub.accounts.models import User
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
FOREIGN = re.compile(r"example\.com|Hello from|Thank you for using|You're receiving", re.IGNORECASE)


@pytest.fixture(autouse=True)
def site(settings) -> None:
    settings.SITE_NAME = "Night hub"


@pytest.fixture
def person() -> User:
    return UserFactory(username="aoi", email="aoi@example.org")


def sent() -> EmailMultiAlternatives:
    [message] = mail.outbox
    assert isinstance(message, EmailMultiAlternatives)
    return message


def html_of(message: EmailMultiAlternatives) -> str:
    [(body, kind)] = message.alternatives
    assert kind == "text/html"
    return str(body)


def link_in(message: EmailMultiAlternatives) -> str:
    found = re.search(r"http://testserver(/\S+)", message.body)
    assert found, message.body
    return found.group(1)


def test_a_forgotten_password_is_answered_with_a_link_that_works(
    person: User, client: Client
) -> None:
    client.post("/accounts/password/reset/", {"email": person.email})
    message = sent()
    assert message.subject == "Choose a new password for Night hub"
    assert link_in(message) in html_of(message)
    assert "aoi" in message.body
    page = client.get(link_in(message), follow=True)
    assert 'name="password1"' in page.content.decode()


def test_the_mail_is_in_the_language_that_the_person_chose(client: Client) -> None:
    UserFactory(email="linmo@example.org", language="zh-hans")
    client.post("/accounts/password/reset/", {"email": "linmo@example.org"})
    message = sent()
    with override("zh-hans"):
        expected = gettext("If it was not you, ignore this message: your password stays as it is.")
    assert expected in message.body
    assert 'lang="zh-Hans"' in html_of(message)


def test_an_address_without_an_account_is_told_so_by_mail_only(client: Client) -> None:
    answer = client.post("/accounts/password/reset/", {"email": "who@example.org"}, follow=True)
    assert "who@example.org" not in answer.content.decode()
    message = sent()
    assert message.subject == "No account on Night hub has this address"
    assert "/accounts/signup/" in message.body


def test_signing_up_asks_to_confirm_the_address(client: Client, settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    password = "correct horse battery"
    fields = {"username": "nova", "email": "nova@example.org"}
    client.post("/accounts/signup/", fields | {"password1": password, "password2": password})
    message = sent()
    assert message.subject == "Confirm your email address for Night hub"
    assert "nova" in message.body
    page = client.get(link_in(message)).content.decode()
    assert "nova@example.org" in page


def test_no_sentence_of_the_library_is_left_in_a_mail(person: User, client: Client) -> None:
    for address in (person.email, "who@example.org"):
        client.post("/accounts/password/reset/", {"email": address})
    assert len(mail.outbox) == 2
    for message in mail.outbox:
        whole = message.subject + message.body + html_of(message)
        assert not FOREIGN.search(whole)
        assert "Night hub" in message.body


@pytest.mark.parametrize("address", ["login", "signup", "password/reset"])
def test_the_entrance_is_whole_in_both_languages(address: str, client: Client) -> None:
    english = client.get(f"/accounts/{address}/").content.decode()
    client.cookies["django_language"] = "zh-hans"
    chinese = client.get(f"/accounts/{address}/").content.decode()
    assert 'lang="en"' in english
    assert 'lang="zh-Hans"' in chinese
    for page in (english, chinese):
        form = page[page.index('class="panel entrance"') : page.index("</main>")]
        labels = [text.strip() for text in re.findall(r"<label[^>]*>(.*?)<", form)]
        assert labels
    main = chinese[chinese.index("<main") : chinese.index("</main>")]
    words = [text for text in re.findall(r">([^<>]+)<", main) if text.strip()]
    english_only = [text for text in words if re.search(r"[A-Za-z]{4,} [A-Za-z]{2,}", text)]
    assert english_only == []
