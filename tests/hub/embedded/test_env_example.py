"""deploy/env.example shows every setting with its default."""

import ast
import re

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from hub.embedded import env_example

OTHERWISE_IN_TESTS = {"KEPT_CONNECTIONS", "TAG_COUNTS_SECONDS"}
LINE = re.compile(r"^#?([A-Z_0-9]+)=(.*)$", re.M)


def shown() -> dict[str, str]:
    return dict(LINE.findall(env_example.EXAMPLE.read_text("utf-8")))


def test_the_example_is_up_to_date() -> None:
    call_command("env_example")


def test_every_limit_is_shown_with_the_value_that_is_in_force() -> None:
    values = {name.removeprefix("ATELIER_"): value for name, value in shown().items()}
    limits = {
        name: value
        for name, value in values.items()
        if value.isdecimal() and hasattr(settings, name) and name not in OTHERWISE_IN_TESTS
    }

    assert len(limits) > 20
    assert {name: int(value) for name, value in limits.items()} == {
        name: int(getattr(settings, name)) for name in limits
    }


def test_what_has_to_be_filled_in_comes_first() -> None:
    first = env_example.EXAMPLE.read_text("utf-8").partition(env_example.MARK)[0]
    for name in ("ATELIER_SECRET_KEY", "POSTGRES_PASSWORD", "VALKEY_PASSWORD"):
        assert re.search(rf"^{name}=$", first, re.M)


def test_a_setting_that_the_example_lacks_is_told(monkeypatch, tmp_path) -> None:
    lagging = tmp_path / "env.example"
    text = env_example.EXAMPLE.read_text("utf-8")
    lagging.write_text(text.replace("#ATELIER_UPLOAD_MAX_BYTES=", "#ATELIER_OTHER="))
    monkeypatch.setattr(env_example, "EXAMPLE", lagging)
    monkeypatch.setattr("hub.embedded.management.commands.env_example.EXAMPLE", lagging)

    with pytest.raises(CommandError, match="env_example --write"):
        call_command("env_example")
    call_command("env_example", write=True)

    assert lagging.read_text("utf-8") == text


@pytest.mark.parametrize("mark", ["# ", "#: "])
def test_a_comment_is_shown_without_the_mark_that_the_code_gives_it(mark: str) -> None:
    lines = [f"{mark}How many files.", f"{mark}Others are told.", 'A = _env.integer("A", 1)']
    assert env_example._comment_above(lines, 2) == "How many files. Others are told."


@pytest.mark.parametrize(
    ("call", "default"),
    [
        ('_env.integer("A", 20 * GIB, minimum=1)', str(20 * 1024**3)),
        ('_env.integer("A", 2 * GIB - 1)', str(2 * 1024**3 - 1)),
        ('_env.flag("A", default=True)', "1"),
        ('_env.words("A", ("a", "b"))', "a,b"),
        ('_env.text("A")', ""),
    ],
)
def test_defaults_are_written_as_the_environment_takes_them(call: str, default: str) -> None:
    assert env_example._default(ast.parse(call).body[0].value) == default
