"""Data sets in kohya's folders, captions of any encoding; cuts, colours and alpha as weight."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.factories.engine import Recorder, make_config, make_manifest, make_pictures
from training.engine.data.batches import Feed, FeedRule, Item, View
from training.engine.data.colours import recoloured
from training.engine.data.focus import focal_point
from training.engine.data.folders import read_folder
from training.engine.data.latents import Latent
from training.engine.data.pictures import cut, cut_mask, open_mask
from training.engine.errors import DatasetError
from training.engine.events import NoControl
from training.engine.runs.loop import train

pytestmark = pytest.mark.engine
CAPTIONS = {
    "bom": ("a cat, red".encode("utf-8-sig"), "a cat, red"),
    "gb": ("一只猫，红色的衣服".encode("gb18030"), "一只猫，红色的衣服"),
    "jis": ("猫の写真、赤い服を着ている".encode("cp932"), "猫の写真、赤い服を着ている"),
}


def kohya_folder(folder: Path) -> Path:
    """Write 20_sks cat with captions in three encodings and one without, and reg/1_cat."""
    own = folder / "img" / "20_sks cat"
    for path, name in zip(make_pictures(own, 5), [*CAPTIONS, "none", "broken"], strict=True):
        path.rename(own / f"{name}.png")
    for name, (data, _) in CAPTIONS.items():
        (own / f"{name}.txt").write_bytes(data)
    (own / "broken.caption").write_bytes(b"\xff\x00\xff\xfe\x81")
    make_pictures(folder / "reg" / "1_cat", 2)
    (own / "phone.HEIC").write_bytes(b"")
    (own / "alone.txt").write_text("of no picture", encoding="utf-8")
    (own / "notes.md").write_text("no caption", encoding="utf-8")
    return folder


def test_folders_say_repeats_captions_and_class_pictures(tmp_path: Path) -> None:
    skipped: list[tuple[str, str]] = []
    manifest = read_folder(kohya_folder(tmp_path / "set"), warn=lambda *told: skipped.append(told))
    captions = {Path(image.id).stem: image.caption for image in manifest.training}
    assert captions == {
        **{name: text for name, (_, text) in CAPTIONS.items()},
        "none": "sks cat",
        "broken": "sks cat",
    }
    assert {image.repeats for image in manifest.training} == {20}
    assert len(manifest.regularisation) == 2
    said = dict.fromkeys(("phone.HEIC", "alone.txt", "broken.caption"), "caption_skipped")
    said["phone.HEIC"] = "picture_skipped"
    for (name, code), (its_code, sentence) in zip(said.items(), skipped, strict=True):
        assert its_code == code
        assert name in sentence
    with pytest.raises(DatasetError, match="20_sks cat"):
        read_folder(tmp_path / "set" / "reg" / "none", warn=lambda *_: None)


def test_what_only_looks_like_a_picture_and_names_that_are_no_text_stop_nothing(
    tmp_path: Path,
) -> None:
    path, never, plain = make_pictures(tmp_path / "set", 3)
    for picture, name in ((never, "0_draft"), (plain, "7")):
        (tmp_path / "set" / name).mkdir()
        picture.rename(tmp_path / "set" / name / picture.name)
    (tmp_path / "set" / "folder.png").mkdir()
    (tmp_path / "set" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(tmp_path / "set" / "pipe.png")  # whoever opens it waits for somebody to write
    folder = tmp_path / "set" / os.fsdecode(b"2_" + "红色的猫头鹰".encode("gb18030"))
    folder.mkdir()
    path.rename(folder / os.fsdecode(b"\xff\xfe.png"))
    told: list[str] = []
    manifest = read_folder(tmp_path / "set", warn=lambda _, sentence: told.append(sentence))
    image, other = manifest.training
    assert (other.repeats, other.caption) == (7, "")
    assert (image.caption, image.folder, image.repeats) == (
        "红色的猫头鹰",
        "2_红色的猫头鹰",
        2,
    )
    assert image.id.encode()
    assert image.path.is_file()
    assert told == [
        "gone.png cannot be read: No such file or directory.",
        "pipe.png is no file.",
        "The folder 0_draft says that it is shown 0 times.",
    ]


def test_a_run_on_a_folder_tells_its_buckets_and_names_it_in_the_header(
    base: Path, tmp_path: Path, cache: Path
) -> None:
    from safetensors import safe_open

    folder = kohya_folder(tmp_path / "set")
    recorder = Recorder()
    config = make_config(base, folder, max_steps=1, prior={"enabled": True, "images": 2})
    result = train(
        config, run_dir=tmp_path / "run", listener=recorder, control=NoControl(), cache_dir=cache
    )
    started = recorder.of("started")[0]
    assert (started.images, started.regularisation_images) == (5, 2)
    assert started.buckets == {"64x64": 100}
    assert started.memory_estimate > 2**28
    with safe_open(result.path, framework="pt") as file:
        said = file.metadata()
    assert said["ss_num_train_images"] == "100"
    assert json.loads(said["ss_dataset_dirs"]) == {"20_sks cat": {"n_repeats": 20, "img_count": 5}}
    assert json.loads(said["ss_reg_dataset_dirs"]) == {"1_cat": {"n_repeats": 1, "img_count": 2}}
    assert json.loads(said["ss_bucket_info"])["buckets"]["0"]["count"] == 100
    assert len(said["atelier.dataset_manifest_sha256"]) == 64


def test_a_cut_around_what_stands_out_keeps_it() -> None:
    picture = Image.new("RGB", (400, 100), "grey")
    noise = np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)
    picture.paste(Image.fromarray(noise), (320, 20))
    x, y = focal_point(picture)
    assert abs(x - 350 / 400) < 0.05
    assert abs(y - 0.5) < 0.05
    plain, focal = cut(picture, None, (64, 64)), cut(picture, None, (64, 64), (x, y))
    assert plain.pixels.std() < 1 < focal.pixels.std()
    assert focal.offset[0] <= 256 - 64
    assert focal_point(Image.new("RGB", (50, 90), "red")) == (0.5, 0.5)


def test_a_focal_cut_is_cached_apart_from_the_one_of_the_middle(
    base: Path, tmp_path: Path, cache: Path
) -> None:
    folder = tmp_path / "set"
    manifest = make_manifest(folder, make_pictures(folder, 1, size=(160, 64)))
    losses = []
    for number, crop in enumerate(("centre", "focal", "focal")):
        recorder = Recorder()
        config = make_config(base, manifest, max_steps=1, crop=crop, buckets={"enabled": False})
        train(
            config,
            run_dir=tmp_path / str(number),
            listener=recorder,
            control=NoControl(),
            cache_dir=cache,
        )
        losses.append(recorder.of("stepped")[0].loss)
    assert losses[0] != losses[1] == losses[2]
    assert len(list((cache / "latents").rglob("*.safetensors"))) == 2


def test_other_colours_are_weak_and_always_the_same_for_a_picture() -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    first, again = recoloured(pixels, "a", 1), recoloured(pixels, "a", 1)
    assert (first == again).all()
    assert (first != recoloured(pixels, "a", 2)).any()
    assert 0 < np.abs(first.astype(int) - pixels).mean() < 16


def test_steps_draw_among_the_colours_of_a_picture() -> None:
    import torch

    looks = [Latent(torch.full((4, 2, 2), float(n)), torch.ones(4, 2, 2)) for n in range(5)]
    item = Item("a", "", (64, 64), tuple(View(look) for look in looks))
    feed = Feed([item], FeedRule(seed=1, batch_size=1), {})
    seen = [float(batch.latents.mean()) for step in range(60) for batch in feed.batches(step)]
    assert set(seen) == {0.0, 1.0, 2.0, 3.0, 4.0}


def test_transparency_is_a_weight_where_asked(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    picture.paste((255, 0, 0, 255), (0, 0, 32, 64))
    picture.save(tmp_path / "clear.png")
    alpha = open_mask(tmp_path / "clear.png", of_alpha=True)
    assert alpha is not None
    weights = cut_mask(alpha, None, (64, 64), (4, 4))
    assert weights.tolist() == [[1.0, 1.0, 0.0, 0.0]] * 4
    picture.convert("RGB").save(tmp_path / "plain.png")
    assert open_mask(tmp_path / "plain.png", of_alpha=True) is None


def test_a_run_learns_less_from_what_is_clear(base: Path, tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "set"
    paths = make_pictures(folder, 2)
    for path in paths:
        picture = Image.open(path).convert("RGBA")
        picture.putalpha(Image.new("L", picture.size, 51))  # a fifth
        picture.save(path)
    manifest = make_manifest(folder, paths)
    losses = []
    for asked in (False, True):
        recorder = Recorder()
        config = make_config(base, manifest, max_steps=1, alpha_masks=asked)
        train(
            config,
            run_dir=tmp_path / str(asked),
            listener=recorder,
            control=NoControl(),
            cache_dir=cache,
        )
        losses.append(recorder.of("stepped")[0].loss)
    assert losses[1] == pytest.approx(losses[0] * 0.2, rel=1e-3)
