"""The demo's base: the bundled one as one file, drawn from by the engine's own program."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from hub.demo import base_model
from hub.demo.management.commands import seed_demo
from hub.storage.blobs import open_blob
from tests.factories.accounts import UserFactory

pytestmark = [pytest.mark.engine, pytest.mark.django_db]


def test_the_bundled_base_becomes_one_file_that_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base_model, "gallery_prompts", lambda: ["a fox --d 1 --s 2"])
    checkpoint = base_model.write_checkpoint(tmp_path)
    (picture,) = base_model.draw(checkpoint, tmp_path)
    with open_blob(picture) as file:
        data = file.read()
    assert data.startswith(b"\x89PNG")
    assert b"Model: atelier_tiny" in data


def test_the_engines_last_words_are_told_when_it_fails(tmp_path: Path) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"nothing")
    with pytest.raises(base_model.EngineFailedError, match=r"broken\.safetensors is not a read"):
        base_model.draw(broken, tmp_path)


def test_the_command_says_what_the_engine_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_torch(**_wanted: object) -> None:
        base_model._engine("nothing of the kind")

    monkeypatch.setattr(seed_demo, "make_base", without_torch)
    UserFactory(username="admin")
    with pytest.raises(CommandError, match="invalid choice: 'nothing of the kind'"):
        call_command("seed_demo")
