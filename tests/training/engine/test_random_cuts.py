"""Pictures cut by chance: where, with which mask and coordinates, and kohya's word for it."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.factories.engine import make_config, make_manifest
from training.engine.components import Components, load_components
from training.engine.config.train import TrainConfig
from training.engine.data.batches import Feed, FeedRule, Item
from training.engine.data.cuts import random_focuses
from training.engine.data.encoding_room import EncodingRoom
from training.engine.data.latents import LatentCache
from training.engine.data.manifest import read_manifest
from training.engine.data.pictures import cut
from training.engine.data.preparing import Preparing
from training.engine.kohya.left_out import left_out_for_kohya
from training.engine.kohya.reading import from_kohya
from training.engine.kohya.writing import to_kohya
from training.engine.looks import CUTS, VARIANTS, look_count
from training.engine.machine.precision import Machine, choose

pytestmark = pytest.mark.engine
ROOM = 80


def starts(size: tuple[int, int], sha256: str = "a") -> list[tuple[int, int]]:
    """Return where the cuts of a picture of a size begin, in a square of 64 pixels."""
    picture = Image.new("RGB", size)
    return [cut(picture, None, (64, 64), f).offset for f in random_focuses(size, (64, 64), sha256)]


def test_cuts_lie_apart_over_all_of_the_room_and_belong_to_the_picture() -> None:
    across = [left for left, _top in starts((64 + ROOM, 64))]

    assert len(across) == CUTS
    assert across == sorted(across)
    assert [left // 10 for left in across[:-1]] == list(range(CUTS - 1))
    assert 0 <= min(across) <= max(across) <= ROOM
    assert {top for _left, top in starts((64 + ROOM, 64))} == {0}
    assert starts((144, 64)) == starts((144, 64)) != starts((144, 64), "b")
    every = {left for n in range(300) for left, _top in starts((64 + ROOM, 64), str(n))}
    assert every == set(range(ROOM + 1))


def test_a_picture_with_little_room_has_no_more_cuts_than_places() -> None:
    assert starts((64, 64)) == [(0, 0)]
    assert starts((64, 67)) == [(0, 0), (0, 1), (0, 2), (0, 3)]
    assert starts((300, 300)) == [(0, 0)]


@pytest.fixture(scope="module")
def components(base: Path, manifest: Path) -> Components:
    return load_components(make_config(base, manifest), choose(Machine(cuda=False)))


def prepared(
    components: Components,
    folder: Path,
    cache: Path,
    *,
    fixed: bool = False,
    width: int = 64 + ROOM,
    **changes: object,
) -> tuple[Item, LatentCache]:
    """Prepare a picture with room on both sides, whose mask is as bright as its place is far."""
    bright = np.linspace(0, 255, 144).round().astype(np.uint8)
    wide = Image.new("RGB", (200, 64), "blue")
    wide.paste(Image.fromarray(np.repeat(bright[None], 64, 0)).convert("RGB"), (20, 0))
    folder.mkdir(parents=True, exist_ok=True)
    wide.save(folder / "wide.png")
    manifest = make_manifest(folder, [folder / "wide.png"])
    data = json.loads(manifest.read_text(encoding="utf-8"))
    data["images"][0] |= {"crop": [20, 0, width, 64], "mask": "wide.png"}
    manifest.write_text(json.dumps(data), encoding="utf-8")
    config = make_config(folder, manifest, buckets={"enabled": False}, **changes)
    store = LatentCache(cache, components)

    def ignore(*_: object) -> None:
        """Hear nothing."""

    preparing = Preparing(
        config, components, store, EncodingRoom(components, store, ignore), ignore, ignore, ignore
    )
    (item,) = preparing.items(list(read_manifest(manifest).training), fixed=fixed)
    return item, store


def test_each_step_shows_a_cut_with_its_own_mask_and_coordinates(
    components: Components, tmp_path: Path, cache: Path
) -> None:
    item, store = prepared(components, tmp_path / "set", cache, crop="random", flip=True)

    assert (item.original_size, len(item.views), store.misses) == ((144, 64), CUTS, 2 * CUTS)
    feed = Feed([item], FeedRule(seed=1, batch_size=1), {})
    seen = set()
    for step in range(120):
        (batch,) = feed.batches(step)
        (again,) = Feed([item], FeedRule(seed=1, batch_size=1), {}).batches(step)
        assert batch.latents.equal(again.latents)
        height, width, top, left, *target = batch.time_ids[0].int().tolist()
        assert (height, width, top, target) == (64, 144, 0, [64, 64])
        row = batch.masks[0, 0, 0].tolist()  # type: ignore[index]
        is_mirrored = row[0] > row[-1]
        start = ROOM - left if is_mirrored else left
        assert abs(sum(row) / len(row) - (start + 31.5) / 143) < 0.01
        seen.add((start, is_mirrored))
    assert len(seen) == 2 * CUTS
    assert {start for start, _ in seen} == {view.offset[0] for view in item.views}

    _, second = prepared(components, tmp_path / "set", cache, crop="random", flip=True)
    assert (second.hits, second.misses) == (2 * CUTS, 0)


def test_held_out_pictures_are_cut_from_the_middle_and_colours_change_with_places(
    components: Components, tmp_path: Path, cache: Path
) -> None:
    held_out, _ = prepared(components, tmp_path / "set", cache, fixed=True, crop="random")
    assert [view.offset for view in held_out.views] == [(ROOM // 2, 0)]

    both = {"crop": "random", "colour_augmentation": True}
    item, store = prepared(components, tmp_path / "set", cache, **both)
    assert (len(item.views), store.misses) == (CUTS, CUTS)


def test_each_place_is_shown_as_often_in_colours_of_its_own(
    components: Components, tmp_path: Path, cache: Path
) -> None:
    both = {"crop": "random", "colour_augmentation": True}
    item, store = prepared(components, tmp_path / "set", cache, width=66, **both)

    often = Counter(view.offset[0] for view in item.views)
    assert often == {0: 2, 1: 2, 2: 2}
    assert store.misses == 6
    for places in range(1, CUTS + 1):
        looks = look_count(places, coloured=True)
        assert looks % places == 0
        assert VARIANTS < looks < VARIANTS + 1 + places
        assert look_count(places, coloured=False) == places


def test_mask_and_picture_are_resized_once_and_the_picture_only_where_a_latent_is_missing(
    components: Components, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resized: Counter[tuple[int, int]] = Counter()
    resize = Image.Image.resize

    def counted(picture: Image.Image, size: tuple[int, int], *others: object) -> Image.Image:
        resized[size] += 1
        return resize(picture, size, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(Image.Image, "resize", counted)
    settings = {"crop": "random", "flip": True, "width": 48}
    for of_picture in (1, 0):
        resized.clear()
        item, store = prepared(components, tmp_path / "set", cache, **settings)
        assert store.misses == of_picture * 2 * CUTS
        assert resized[64, 85] == of_picture + 1

    settings = {"crop": "centre", "colour_augmentation": True}
    item, _ = prepared(components, tmp_path / "set", cache, **settings)
    first, *others = item.views
    assert len(others) == VARIANTS
    assert first.mask is not None
    assert all(view.mask is first.mask for view in others)


def test_kohyas_word_is_understood_and_written() -> None:
    given = {"random_crop": True, "enable_bucket": True}
    read = from_kohya(given)
    assert (read.settings["crop"], read.report) == ("random", ())
    assert from_kohya({"random_crop": False}).settings["crop"] == "centre"

    out = tomllib.loads(to_kohya(TrainConfig.parse(read.settings)))
    assert (out["random_crop"], out["cache_latents"]) == (True, False)
    assert tomllib.loads(to_kohya(TrainConfig()))["random_crop"] is False
    assert left_out_for_kohya(TrainConfig(crop="random")) == []
    assert from_kohya(out).report == ()


def test_where_kohyas_scripts_would_refuse_or_show_other_pictures_is_said() -> None:
    (cached,) = from_kohya({"random_crop": 1, "enable_bucket": 1, "cache_latents": 1}).report
    assert "refuse random_crop together with cache_latents" in cached
    (whole,) = from_kohya({"random_crop": True}).report
    assert "full size" in whole
