"""Pictures beside model files: all are sent, and come back where they are asked for."""

from pathlib import Path

import pytest

from hub.cli.pictures import pictures_beside
from models_registry.models.version import ModelVersion
from models_registry.services import drafts
from tests.factories.formats import png_bytes
from tests.factories.registry import lora_bytes, publish_model
from tests.models_registry.test_drafts import picture_blob

INFOTEXT = "a mountain, inkwash\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: {}, Size: 64x64"


def made(seed: int) -> bytes:
    return png_bytes({"parameters": INFOTEXT.format(seed)})


def names_beside(folder: Path, *names: str) -> list[str]:
    for name in names:
        (folder / name).touch()
    return [path.name for path in pictures_beside(folder / "ink.safetensors")]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["ink.png", "ink.preview.png"], ["ink.preview.png", "ink.png"]),
        (["ink_10.jpg", "ink_2.jpg", "ink_0.jpg"], ["ink_0.jpg", "ink_2.jpg", "ink_10.jpg"]),
        (
            ["ink_0.preview.png", "ink_1.preview.png", "ink.preview.png"],
            ["ink.preview.png", "ink_0.preview.png", "ink_1.preview.png"],
        ),
        (["ink.1.PNG", "ink.image_2.webp"], ["ink.1.PNG", "ink.image_2.webp"]),
        (["ink_1.png", "ink_1.safetensors", "ink_2.png"], ["ink_2.png"]),
        (["ink.5.png", "ink.5.preview.png", "ink.5.CKPT"], []),
        (["inkwash.png", "ink_x.png", "ink_1_2.png", "ink-000001.png", "ink_1.txt"], []),
    ],
)
def test_pictures_are_found_as_downloaders_name_them(tmp_path, names, found):
    assert names_beside(tmp_path, *names) == found


def test_beside_a_name_as_long_as_a_name_may_be_there_are_none(tmp_path):
    assert pictures_beside(tmp_path / f"{'i' * 243}.safetensors") == ()
    assert pictures_beside(tmp_path / "nowhere" / "ink.safetensors") == ()


def test_all_pictures_of_a_file_go_and_come_back_byte_for_byte(atelier, tmp_path):
    folder, back = tmp_path / "Lora", tmp_path / "back"
    folder.mkdir()
    (folder / "ink.safetensors").write_bytes(lora_bytes(seed=11))
    pictures = [made(seed) for seed in (1, 2, 3)]
    names = ("ink.preview.png", "ink_0.png", "ink_1.png", "ink_2.png")
    # The first of the numbered ones is what the preview was copied from.
    for name, data in zip(names, [pictures[0], *pictures], strict=True):
        (folder / name).write_bytes(data)
    [row] = atelier("push", folder, "--json").json
    version = ModelVersion.objects.get()
    texts = list(version.covers.order_by("position").values_list("generation_text", flat=True))
    assert [f"Seed: {seed}," in text for seed, text in enumerate(texts, start=1)] == [True] * 3
    there = f"version:{row['version_id']}"
    [file] = atelier("pull", there, "--to", back, "--all-pictures", "--json").json["files"]
    found = sorted(back.glob("*.png"))
    assert [path.name for path in found] == [
        "ink.image_2.png",
        "ink.image_3.png",
        "ink.preview.png",
    ]
    assert [path.read_bytes() for path in found] == [*pictures[1:], pictures[0]]
    assert [path.read_bytes() for path in pictures_beside(Path(file["path"]))] == pictures
    assert {str(path) for path in found} <= set(file["beside"])
    [again] = atelier("pull", there, "--to", back, "--all-pictures", "--json").json["files"]
    assert again["beside"] == []


def test_one_picture_comes_unless_all_are_asked_for_and_a_sync_remembers(atelier, tmp_path):
    version = with_pictures(2)
    atelier("pull", version.model_id, "--to", tmp_path / "pulled")
    assert len(list((tmp_path / "pulled").glob("*.png"))) == 1
    folder = tmp_path / "synced"
    atelier("sync", folder, "ink", "--all-pictures")
    assert len(list(folder.glob("*.png"))) == 2
    other = publish_model(name="Ink Two", seed=2)
    add_pictures(other, 3)
    atelier("sync", folder)
    assert len(list(folder.glob("ink-two*.png"))) == 3
    other.model.visibility = "private"
    other.model.save(update_fields=["visibility"])
    atelier("sync", folder, "--delete")
    assert not list(folder.glob("ink-two*"))


def test_a_picture_too_many_is_told_once_and_the_file_is_sent_all_the_same(
    atelier, tmp_path, monkeypatch
):
    monkeypatch.setattr(drafts, "MAX_COVERS", 2)
    (tmp_path / "ink.safetensors").write_bytes(lora_bytes(seed=11))
    for number in range(4):
        (tmp_path / f"ink_{number}.png").write_bytes(made(number))
    ran = atelier("push", tmp_path)
    assert ran.err.count("was not taken") == 1
    assert "ink_2.png" in ran.err
    assert ModelVersion.objects.get().covers.count() == 2


def with_pictures(count: int) -> ModelVersion:
    version = publish_model(name="Ink Wash")
    add_pictures(version, count)
    return version


def add_pictures(version: ModelVersion, count: int) -> None:
    for number in range(count):
        blob = picture_blob(f"#{version.pk % 256:02x}00{number:02x}")
        drafts.add_cover(actor=version.model.owner, version=version, blob=blob)
