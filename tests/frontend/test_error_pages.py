"""Pages of errors, through Django's client."""

import logging

import pytest
from django.test import Client, RequestFactory
from django.utils import translation

from frontend.access import require_visible
from frontend.pages import errors
from hub.core.errors import Conflict, Gone, NotAllowed, NotFound, TooLarge
from tests.factories.accounts import UserFactory
from tests.factories.page_request import page_request
from tests.factories.page_urls import with_page_urls

pytestmark = pytest.mark.django_db


@with_page_urls
def test_403_says_who_can_let_you_in(client: Client) -> None:
    answer = client.get("/refused/")

    assert answer.status_code == 403
    assert "linmo, aoi" in answer.content.decode()


def test_404_offers_search(client: Client) -> None:
    answer = errors.not_found(page_request(), Exception())

    assert answer.status_code == 404
    assert 'role="search"' in answer.content.decode()


def test_404_offers_guests_to_sign_in_and_come_back(client: Client) -> None:
    sign_in = "/accounts/login/?next=%2Fmodels%2Fnowhere%2F%3Fv%3D2"
    assert sign_in in client.get("/models/nowhere/?v=2").content.decode()
    client.force_login(UserFactory())

    assert sign_in not in client.get("/models/nowhere/?v=2").content.decode()


@with_page_urls
def test_a_guest_whose_form_is_refused_is_offered_to_sign_in_and_send_it_again() -> None:
    client = Client()
    page = client.post("/refused-form/", {"name": "typed"}).content.decode()
    assert "go one page back and send the form again" in page
    assert "Ask the owner" not in page
    client.force_login(UserFactory())
    page = client.post("/refused-form/", {"name": "typed"}).content.decode()
    assert "send the form again" not in page
    assert "Ask the owner" in page


@with_page_urls
def test_500_gives_a_code_that_is_in_the_log_too(caplog: pytest.LogCaptureFixture) -> None:
    client = Client(raise_request_exception=False)
    with caplog.at_level(logging.ERROR):
        answer = client.get("/broken/")
    code = answer.content.decode().split("<code>")[1].split("</code>")[0]

    assert answer.status_code == 500
    assert any(code in record.getMessage() for record in caplog.records)


@with_page_urls
@pytest.mark.parametrize("reason", ["starting", "nobody"])
def test_a_page_tries_again_while_the_database_is_away(reason: str) -> None:
    client = Client(raise_request_exception=False)
    asked, sent = client.get(f"/away/{reason}/?q=a"), client.post(f"/away/{reason}/")

    assert [answer.status_code for answer in (asked, sent)] == [503, 503]
    assert asked.headers["Retry-After"] == "3"
    assert '<meta http-equiv="refresh" content="3">' in asked.content.decode()
    assert f'href="/away/{reason}/?q=a"' in asked.content.decode()
    assert "http-equiv" not in sent.content.decode()
    assert "was not saved" in sent.content.decode()


@with_page_urls
def test_a_statement_that_took_too_long_is_not_asked_again() -> None:
    answer = Client(raise_request_exception=False).get("/away/slow/")

    assert answer.status_code == 500
    assert "http-equiv" not in answer.content.decode()


def test_500_needs_no_database(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    with translation.override("zh-hans"), django_assert_num_queries(0):
        answer = errors.server_error(RequestFactory().get("/"))

    assert "站点出了故障" in answer.content.decode()


@pytest.mark.parametrize("path", ["/people/a%00/", "/tags/%00/", "/a%00"])
def test_an_address_with_a_nul_leads_nowhere(path: str, client: Client) -> None:
    assert client.get(path).status_code == 404


@with_page_urls
@pytest.mark.parametrize("path", ["/broken/", "/api/broken/"])
def test_a_500_tells_a_program_what_to_do_and_the_code_that_is_in_the_log(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(raise_request_exception=False)
    with caplog.at_level(logging.ERROR):
        answer = client.get(path, headers={"Accept": "application/json"})
    code = answer.json()["error"].split()[-1]

    assert (answer.status_code, answer.json()["code"]) == (500, "unexpected")
    assert "Try again; if it happens again, give this code to" in answer.json()["error"]
    assert any(f"Error {code} at {path}" in record.getMessage() for record in caplog.records)


def test_a_500_below_api_is_a_page_for_a_browser() -> None:
    asked = RequestFactory().get("/api/download/models/1", headers={"Accept": "text/html,*/*"})

    assert "<h1" in errors.server_error(asked).content.decode()


def test_an_old_form_gets_a_page_that_says_what_to_do(client: Client) -> None:
    answer = errors.csrf_failure(page_request(), "no cookie")

    assert answer.status_code == 403
    assert "Nothing was changed." in answer.content.decode()


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotFound, 404), (NotAllowed, 403), (Conflict, 409), (Gone, 410), (TooLarge, 413)],
)
def test_our_errors_have_their_status(error: type, status: int) -> None:
    assert errors.status_of(error("message")) == status


def test_what_is_not_visible_is_not_found() -> None:
    with pytest.raises(NotFound):
        require_visible(None)
    assert require_visible("thing") == "thing"
