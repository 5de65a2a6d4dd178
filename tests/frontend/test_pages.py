"""Theme, language and the rules for htmx, through Django's client."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client

from frontend import sent_once
from frontend.navigation import ACCOUNT, CREATE, SECTIONS
from frontend.rendering import wants_partial
from hub.accounts.models import Team
from tests.factories.accounts import UserFactory, make_team
from tests.factories.page_request import page_request
from tests.factories.page_urls import with_page_urls

pytestmark = pytest.mark.django_db


def test_dark_is_the_default_and_the_cookie_is_rendered_by_the_server(client: Client) -> None:
    assert 'data-theme="dark"' in client.get("/search/").content.decode()
    client.cookies["atelier_theme"] = "light"
    assert 'data-theme="light"' in client.get("/search/").content.decode()


def test_an_unknown_theme_cookie_is_ignored(client: Client) -> None:
    client.cookies["atelier_theme"] = '"><script>'

    assert 'data-theme="dark"' in client.get("/search/").content.decode()


def test_choosing_a_theme_goes_back_to_the_page_and_is_remembered(client: Client) -> None:
    person = UserFactory()
    client.force_login(person)
    answer = client.post("/preferences/theme/", {"theme": "light", "next": "/search/?q=a"})
    person.refresh_from_db()

    assert answer.headers["Location"] == "/search/?q=a"
    assert person.theme == "light"
    assert answer.cookies["atelier_theme"].value == "light"


def test_switches_never_lead_to_another_site(client: Client) -> None:
    answer = client.post("/preferences/theme/", {"theme": "dark", "next": "//evil.example/"})

    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("name", ["theme", "language"])
def test_switches_refuse_what_they_do_not_know(client: Client, name: str) -> None:
    assert client.post(f"/preferences/{name}/", {name: "klingon"}).status_code == 400
    assert client.get(f"/preferences/{name}/").status_code == 405


def test_the_language_of_the_person_wins_over_the_browsers(client: Client) -> None:
    client.force_login(UserFactory(language="zh-hans"))
    answer = client.get("/search/", headers={"Accept-Language": "en"})

    assert 'lang="zh-Hans"' in answer.content.decode()
    assert answer.headers["Content-Language"] == "zh-hans"


def test_a_guest_gets_the_language_that_was_chosen_by_cookie(client: Client) -> None:
    client.post("/preferences/language/", {"language": "zh-hans"})

    assert 'lang="zh-Hans"' in client.get("/search/").content.decode()


@with_page_urls
def test_pages_for_members_send_guests_to_sign_in(client: Client) -> None:
    answer = client.get("/private/")

    assert answer.status_code == 302
    assert answer.headers["Location"] == "/accounts/login/?next=/private/"


@with_page_urls
def test_htmx_is_sent_to_sign_in_as_a_page_not_as_a_fragment(client: Client) -> None:
    answer = client.get("/private/", headers={"HX-Request": "true"})

    assert answer.status_code == 200
    assert answer.headers["HX-Redirect"] == "/accounts/login/?next=/private/"


@with_page_urls
def test_pages_of_a_team_need_one(client: Client) -> None:
    person = UserFactory()
    client.force_login(person)
    assert client.get("/of-team/").headers["Location"] == "/teams/?next=/of-team/"

    make_team(owner=person, name="Night studio")

    assert client.get("/of-team/").content == b"Night studio"


@with_page_urls
def test_pages_and_partials_are_kept_apart_in_caches(client: Client) -> None:
    assert "HX-Request" in client.get("/part/").headers["Vary"]


@with_page_urls
def test_toasts_travel_with_a_partial_and_stand_in_a_page(client: Client) -> None:
    partial = client.get("/part/", headers={"HX-Request": "true"})
    assert "HX-Trigger" not in partial.headers
    page = client.get("/told/").content.decode()

    assert "3 images deleted" in page
    assert 'action="/undo/"' in page


@pytest.mark.parametrize(
    ("headers", "is_partial"),
    [
        ({}, False),
        ({"HX-Request": "true"}, True),
        ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, False),
        ({"HX-Request": "true", "HX-Boosted": "true"}, False),
    ],
)
def test_a_fragment_is_given_only_to_a_swap(headers: dict[str, str], is_partial: bool) -> None:
    request = page_request(headers)

    assert wants_partial(request) is is_partial


def test_the_policy_lets_nothing_in_from_elsewhere(client: Client) -> None:
    policy = client.get("/search/").headers["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http:" not in policy
    assert "object-src 'none'" in policy


def test_the_queue_number_is_zero_for_guests_and_costs_no_query(
    client: Client,
    django_assert_num_queries,  # type: ignore[no-untyped-def]
) -> None:
    with django_assert_num_queries(0):
        assert client.get("/queue/count/").json()["count"] == 0


@pytest.mark.parametrize("entry", [*SECTIONS, *CREATE, *ACCOUNT], ids=lambda entry: entry.name)
def test_every_entry_of_the_navigation_leads_to_a_page(entry) -> None:  # type: ignore[no-untyped-def]
    assert entry.url.startswith("/")


@pytest.mark.parametrize(
    "address", ["/", "/search/?q=a", "/styleguide/", "/accounts/login/", "/accounts/signup/"]
)
def test_shared_pages_open_for_guests(client: Client, address: str) -> None:
    assert client.get(address).status_code == 200


def test_an_address_for_forms_has_a_page_that_says_so(client: Client) -> None:
    answer = client.get("/preferences/theme/", headers={"Referer": "http://testserver/search/"})

    page = answer.content.decode()
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "This address only takes what a page sends." in page
    assert 'href="/search/"' in page


@pytest.mark.parametrize("before", ["https://evil.example/", "http://testserver//evil.example/"])
def test_a_wrong_filter_can_be_left_out_and_no_other_site_is_led_back_to(
    client: Client, before: str
) -> None:
    page = client.get("/models/?sort=nope", headers={"Referer": before})

    assert page.status_code == 400
    assert 'href="/models/"' in page.content.decode()
    assert "evil" not in page.content.decode()


@pytest.mark.parametrize(("over", "status"), [(0, 302), (1, 413)])
def test_a_form_with_too_much_text_is_told_how_much_it_may_hold(
    client: Client, settings: Any, over: int, status: int
) -> None:
    client.force_login(UserFactory())
    body = urlencode({"name": "x" * 50})
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = len(body) - over

    page = client.post("/teams/", body, content_type="application/x-www-form-urlencoded")

    assert page.status_code == status
    assert ("A form may hold at most 54" in page.content.decode()) is bool(over)


def test_the_address_of_new_tokens_leads_to_the_settings(client: Client) -> None:
    client.force_login(UserFactory())

    assert client.get("/settings/tokens/").headers["Location"] == "/settings/"


@pytest.mark.django_db(transaction=True)
def test_a_form_that_makes_something_makes_it_once_however_fast_it_is_sent() -> None:
    person = UserFactory()
    both = [Client() for _tab in range(2)]
    for tab in both:
        tab.force_login(person)

    def send(tab: Client) -> str:
        try:
            return tab.post("/teams/", {"name": "Night shift"}).headers["Location"]
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        led_to = set(pool.map(send, both))

    assert led_to == {"/teams/night-shift/"}
    assert Team.objects.filter(name="Night shift").count() == 1


@pytest.mark.parametrize(("seconds", "made"), [(15, 1), (0, 2)])
def test_the_same_form_sent_later_makes_a_second_thing(
    client: Client, monkeypatch: pytest.MonkeyPatch, seconds: int, made: int
) -> None:
    monkeypatch.setattr(sent_once, "REPEAT_SECONDS", seconds)
    client.force_login(UserFactory())

    for _time in range(2):
        client.post("/teams/", {"name": "Day shift"})

    assert Team.objects.filter(name="Day shift").count() == made
