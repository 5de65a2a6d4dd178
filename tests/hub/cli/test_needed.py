"""Models of a picture that names files and no hashes, as ComfyUI writes them."""

import json
from pathlib import Path

import pytest

from hub.core.visibility import Visibility
from models_registry.models.model import ModelType
from tests.factories.accounts import UserFactory
from tests.factories.formats import png_bytes
from tests.factories.registry import publish_model
from tests.hub.formats.generation.test_comfyui import text_to_image


@pytest.fixture
def picture(tmp_path) -> Path:
    """A checkpoint, a LoRA, a VAE and two embeddings."""
    path = tmp_path / "made.png"
    path.write_bytes(png_bytes({"prompt": json.dumps(text_to_image())}))
    return path


def published(name, type, seed, **fields):
    version = publish_model(name=f"{name} {seed}", type=type, seed=seed, trigger_words=(), **fields)
    version.files.update(name=f"{name}.safetensors")
    return version


def test_the_only_file_of_a_name_is_fetched_and_it_is_said_so(atelier, picture, tmp_path):
    base = published("v1-5", ModelType.CHECKPOINT, 1)
    lora = published("Inkwash", ModelType.LOCON, 2)
    published("inkwash", ModelType.CHECKPOINT, 3)  # no LoRA, so not the one
    published("mse.vae", ModelType.VAE, 4, owner=UserFactory(), visibility=Visibility.PRIVATE)
    ran = atelier("pull", "--needed-by", picture, "--to", tmp_path / "in", "--json", code=9)
    assert [row["version_id"] for row in ran.json["files"]] == [base.pk, lora.pk]
    by_name = {row["name"]: row["files"][0]["version_id"] for row in ran.json["by_name"]}
    assert by_name == {"v1-5": base.pk, "inkwash": lora.pk}
    assert {row["name"] for row in ran.json["missing"]} == {"mse.vae", "easy", "neg"}
    assert (ran.error["code"], ran.json["ambiguous"]) == ("missing", [])
    ran = atelier("pull", "--needed-by", picture, "--to", tmp_path / "in", code=9)
    assert f"inkwash was found by its name only: Inkwash 2 v1 (version:{lora.pk})." in ran.err


def test_of_several_none_is_guessed_and_all_are_named(atelier, picture, tmp_path):
    rows = [published("inkwash", ModelType.LORA, seed) for seed in (1, 2)]
    published("inkwash", ModelType.DORA, 1)  # the bytes of the first again
    ran = atelier("pull", "--needed-by", picture, "--to", tmp_path / "in", "--json", code=9)
    assert ran.json["files"] == []
    [doubt] = ran.json["ambiguous"]
    assert doubt["name"] == "inkwash"
    assert [row["version_id"] for row in doubt["files"]] == [row.pk for row in rows]
    assert ran.error["code"] == "ambiguous"
    hashes = [row.files.get().blob.sha256[:16] for row in rows]
    for row, digits in zip(rows, hashes, strict=True):
        assert f"version:{row.pk} {row.model.name} v1, hash:{digits}" in ran.error["error"]
    assert f"atelier pull hash:{hashes[0]}" in ran.error["error"]
    [file] = atelier("pull", f"hash:{hashes[1]}", "--to", tmp_path / "in", "--json").json["files"]
    assert file["version_id"] == rows[1].pk


def test_a_hash_that_is_not_here_is_not_replaced_by_a_name(atelier, tmp_path):
    published("inkwash", ModelType.LORA, 1)
    text = (
        'x <lora:inkwash:1>\nSteps: 20, Seed: 1, Size: 64x64, Lora hashes: "inkwash: 0123456789ab"'
    )
    picture = tmp_path / "made.png"
    picture.write_bytes(png_bytes({"parameters": text}))
    ran = atelier("pull", "--needed-by", picture, "--to", tmp_path / "in", "--json", code=9)
    assert [row["hash"] for row in ran.json["missing"]] == ["0123456789ab"]
    assert ran.json["files"] == ran.json["by_name"] == []
