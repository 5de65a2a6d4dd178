"""Filters of `atelier search` against a running hub, and their words in the shell."""

import pytest
from typer.testing import CliRunner

from hub.cli.commands import filters
from hub.cli.main import app
from models_registry.filters import Sort
from models_registry.models.file import PRECISIONS, FileFormat, ModelFile
from models_registry.models.model import Model, ModelType, Subject
from models_registry.models.terms import LicenceName
from models_registry.services.counters import refresh_facts
from models_registry.services.engagement import mark_seen
from tests.factories.accounts import make_team
from tests.factories.registry import make_model, publish_model


def test_the_program_knows_the_words_of_the_hub() -> None:
    assert list(filters.TYPES) == ModelType.values
    assert list(filters.CATEGORIES) == Subject.values
    assert list(filters.FORMATS) == FileFormat.values
    assert filters.PRECISIONS == PRECISIONS
    assert list(filters.LICENCES) == LicenceName.values
    assert list(filters.SORTS) == list(Sort)


def test_words_are_taken_in_any_case_and_unknown_ones_go_to_the_hub() -> None:
    assert filters.known_words(["lora", "VAE", "Sandwich"], filters.TYPES) == [
        *("LORA", "VAE", "Sandwich")
    ]
    assert filters.known_words(["mit", "creativeml-openrail-m"], filters.LICENCES) == [
        *("MIT", "LicenseRef-CreativeML-OpenRAIL-M")
    ]
    assert filters.known_words(None, filters.TYPES) == []


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("--type LO", ["LORA"]),
        ("--type lo", ["lora", "locon"]),
        ("--category po", ["pose"]),
        ("--precision bf", ["bf16"]),
        ("--licence CC0", ["CC0-1.0"]),
        ("--sort tr", ["trending"]),
        ("--un", ["--unseen"]),
    ],
)
def test_the_shell_completes_the_words_of_a_filter(typed: str, offered: list[str]) -> None:
    words = f"atelier search {typed}"
    asked = {
        "_ATELIER_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = CliRunner().invoke(app, [], env=asked, prog_name="atelier")
    assert done.stdout.split() == offered


def test_every_filter_narrows_the_list(atelier) -> None:
    team = make_team(owner=atelier.person, name="Night studio")
    wanted = publish_model(name="Ink Wash", owner=atelier.person, team=team)
    other = publish_model(name="Neon", seed=2)
    ModelFile.objects.filter(version=other).update(format=FileFormat.GGUF, precision="fp8")
    ModelFile.objects.filter(version=wanted).update(precision="fp16")
    for version in (wanted, other):
        refresh_facts(model_id=version.model_id)
    Model.objects.filter(pk=wanted.model_id).update(
        subject=Subject.STYLE, licence=LicenceName.CC_BY, is_verified=True, is_trained_here=True
    )
    Model.objects.filter(pk=other.model_id).update(is_verified=False)
    mark_seen(viewer=atelier.person, model_id=other.model_id)
    make_model(name="A draft", owner=atelier.person)
    for given in (
        ("--category", "STYLE"),
        ("--licence", "cc-by-4.0", "--licence", "mit"),
        ("--format", "safetensor"),
        ("--precision", "fp16"),
        ("--team", team.slug),
        ("--verified",),
        ("--trained-here",),
        ("--unseen",),
        ("--sort", "trending", "--unseen"),
    ):
        found = [row["name"] for row in atelier("search", *given, "--json").json]
        assert found == ["Ink Wash"], given
    refused = atelier("search", "--format", "tape", "--json", code=None).error
    assert (refused["code"], "tape" in refused["error"]) == ("invalid", True)
