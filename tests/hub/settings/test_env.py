from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from hub.settings import _env


@pytest.mark.parametrize(("raw", "value"), [("1", True), ("Yes", True), ("off", False), ("", True)])
def test_a_flag_reads_common_words(monkeypatch, raw, value):
    monkeypatch.setenv("ATELIER_X", raw)
    assert _env.flag("X", default=True) is value


@pytest.mark.parametrize(
    ("call", "raw", "words"),
    [
        (lambda: _env.flag("X", default=True), "perhaps", "yes or no"),
        (lambda: _env.integer("X", 1), "many", "whole number"),
        (lambda: _env.integer("X", 1, minimum=2), "1", "least allowed is 2"),
        (lambda: _env.integer("X", 1, maximum=2), "3", "most allowed is 2"),
        (lambda: _env.text("X", choices=("a", "b")), "c", "a, b"),
    ],
)
def test_a_wrong_value_names_the_variable_the_value_and_what_is_allowed(
    monkeypatch, call, raw, words
):
    monkeypatch.setenv("ATELIER_X", raw)
    with pytest.raises(ImproperlyConfigured) as caught:
        call()
    assert "ATELIER_X" in str(caught.value)
    assert raw in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(("raw", "value"), [("2", 2), ("5", 5)])
def test_the_bounds_of_a_number_are_inside(monkeypatch, raw, value):
    monkeypatch.setenv("ATELIER_X", raw)
    assert _env.integer("X", 1, minimum=2, maximum=5) == value


def test_a_folder_is_absolute(monkeypatch):
    monkeypatch.setenv("ATELIER_X", "here")
    assert _env.folder("X", Path("/there")) == Path.cwd() / "here"


def test_a_database_url_keeps_password_port_and_socket_folder():
    found = _env.database("postgresql://me:p%40ss@db:5433/hub?sslmode=require")
    assert (found["USER"], found["PASSWORD"], found["HOST"]) == ("me", "p@ss", "db")
    assert (found["PORT"], found["NAME"], found["OPTIONS"]) == (
        "5433",
        "hub",
        {"sslmode": "require"},
    )
    assert _env.database("postgresql://app@/hub?host=/run/pg")["HOST"] == "/run/pg"


def test_another_database_is_refused_with_the_form_that_works():
    with pytest.raises(ImproperlyConfigured, match="postgresql://user"):
        _env.database("mysql://localhost/hub")


def test_a_command_is_split_as_a_shell_would(monkeypatch):
    assert _env.command("TAGGER_COMMAND") == []
    monkeypatch.setenv("ATELIER_TAGGER_COMMAND", "/opt/tagger --model 'wd v3'")
    assert _env.command("TAGGER_COMMAND") == ["/opt/tagger", "--model", "wd v3"]
    monkeypatch.setenv("ATELIER_TAGGER_COMMAND", "/opt/tagger 'open")
    with pytest.raises(ImproperlyConfigured, match="quotation mark"):
        _env.command("TAGGER_COMMAND")
