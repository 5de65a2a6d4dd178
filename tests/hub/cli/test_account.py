"""Signing in, and what goes wrong before a command begins."""

import stat

import pytest

from hub.accounts.models import ApiToken, Scope
from hub.accounts.services import create_api_token
from tests.factories.accounts import UserFactory, make_team
from tests.factories.registry import publish_model


def test_a_token_is_kept_where_only_its_owner_reads_it(hub_url, atelier, config_folder):
    person = UserFactory(username="mika")
    key = create_api_token(actor=person, name="cli", scopes=[Scope.MODELS_READ])[1]
    ran = atelier("login", hub_url, "--token-stdin", "--json", stdin=f"{key}\n")
    assert (ran.json["username"], ran.json["scopes"]) == ("mika", ["models:read"])
    assert key not in ran.out + ran.err
    path = config_folder / "hubs.json"
    assert key in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert atelier("whoami", "--json").json["username"] == "mika"


def test_a_token_typed_at_the_prompt_is_not_shown(hub_url, atelier):
    key = create_api_token(actor=atelier.person, name="cli", scopes=[Scope.MODELS_READ])[1]
    ran = atelier("login", hub_url, stdin=f"{key}\n")
    assert key not in ran.out + ran.err


def test_a_wrong_token_is_not_kept(hub_url, atelier, config_folder):
    before = (config_folder / "hubs.json").read_text()
    ran = atelier("login", hub_url, "--token-stdin", "--json", stdin="atl_wrong\n", code=3)
    assert ran.error["code"] == "unauthorized"
    assert ran.out == ""
    assert (config_folder / "hubs.json").read_text() == before


@pytest.mark.parametrize("token", ["atl_é", "atl_a\nb", "atl_\u201cx\u201d"])
def test_what_was_never_a_token_is_said_so_and_not_sent(hub_url, atelier, monkeypatch, token):
    monkeypatch.setenv("ATELIER_TOKEN", token)
    assert "is no token" in atelier("whoami", "--json", code=3).error["error"]


def test_white_space_around_a_token_does_not_matter(hub_url, atelier, monkeypatch):
    key = create_api_token(actor=atelier.person, name="ci", scopes=[Scope.MODELS_READ])[1]
    monkeypatch.setenv("ATELIER_TOKEN", f" {key}\r\n")
    assert atelier("whoami", "--json").json["username"] == atelier.person.username


def test_logout_forgets_the_key(atelier, config_folder):
    atelier("logout")
    assert "token" not in (config_folder / "hubs.json").read_text()
    assert atelier("whoami", code=3).err.startswith("Error:")


def test_the_environment_goes_before_the_file(hub_url, atelier, monkeypatch):
    other = UserFactory(username="robot")
    key = create_api_token(actor=other, name="ci", scopes=[Scope.MODELS_READ])[1]
    monkeypatch.setenv("ATELIER_TOKEN", key)
    monkeypatch.setenv("ATELIER_HUB", hub_url)
    assert atelier("whoami", "--json").json["username"] == "robot"


def test_whoami_names_the_teams(atelier):
    make_team(owner=atelier.person, name="Night studio")
    assert atelier("whoami", "--json").json["teams"] == ["night-studio"]
    assert "night-studio" in atelier("whoami").out


def test_a_hub_that_does_not_run_is_told_by_its_address(atelier):
    ran = atelier("--hub", "http://127.0.0.1:9", "search", "--json", code=6)
    assert ran.error["code"] == "unreachable"
    assert "http://127.0.0.1:9" in ran.error["error"]


def test_an_address_with_a_password_in_it_is_refused(atelier):
    assert "token" in atelier("login", "http://mika:secret@localhost", code=2).err


def test_a_key_without_the_scope_is_refused_by_name(hub_url, signed_in):
    reader = signed_in(hub_url, scopes=[Scope.MODELS_READ])
    ran = reader("jobs", "--json", code=4)
    assert ran.error["code"] == "scope_missing"
    assert "jobs:write" in ran.error["error"]


def test_a_key_that_was_revoked_is_said_even_where_guests_may_read(atelier):
    publish_model()
    ApiToken.objects.all().delete()
    assert atelier("search", "--json", code=3).error["code"] == "unauthorized"
