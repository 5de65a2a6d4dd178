"""`subjects.json`, captions and the demonstration datasets agree with the recipe's tables."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.base_models.tiny.location import TINY_ROOT, known_subjects, tiny_demo_dir
from training.base_models.tiny.recipe import manifest
from training.base_models.tiny.recipe.captions import (
    Scene,
    full_caption,
    noun_phrase,
    training_caption,
)
from training.base_models.tiny.recipe.trial import trial_config, trigger_of
from training.base_models.tiny.recipe.world import (
    BACKGROUNDS,
    STYLES,
    SUBJECTS,
    TRAINED_STYLES,
    TRAINED_SUBJECTS,
    UNSEEN_SUBJECTS,
)
from training.engine.presets.choosing import preset

FOX = Scene("fox", "flat style", "blue")


def test_subjects_json_is_what_the_tables_of_the_recipe_give() -> None:
    assert json.loads((TINY_ROOT / manifest.FILE).read_text()) == manifest.build()


def test_the_product_reads_the_known_subjects_as_a_dataclass() -> None:
    known = known_subjects()
    assert set(known.subjects) == set(TRAINED_SUBJECTS) <= set(SUBJECTS.values())
    assert set(known.styles) == set(TRAINED_STYLES) <= set(STYLES)
    assert set(known.backgrounds) == set(BACKGROUNDS)
    assert "owl" in known.unseen_subjects
    assert "neon style" in known.unseen_styles
    assert known.picture_pixels == 128


def test_the_showcase_asks_only_for_what_the_base_knows() -> None:
    known = known_subjects()
    for prompt in known.showcase:
        noun, style, background = prompt.split(", ")
        assert noun.split(" ", 1)[1] in known.subjects
        assert style in known.styles
        assert background.removesuffix(" background") in known.backgrounds


def test_unseen_subjects_are_not_among_the_trained_ones() -> None:
    assert not set(UNSEEN_SUBJECTS) & set(SUBJECTS)
    assert not set(UNSEEN_SUBJECTS.values()) & set(SUBJECTS.values())


@pytest.mark.parametrize(
    ("subject", "colour", "words"),
    [
        ("fox", None, "a fox"),
        ("apple", None, "an apple"),
        ("apple", "blue", "a blue apple"),
        ("fox", "orange", "an orange fox"),
        ("cherries", None, "cherries"),
    ],
)
def test_a_noun_has_the_right_article(subject: str, colour: str | None, words: str) -> None:
    assert noun_phrase(subject, colour) == words


def test_the_full_caption_names_a_colour_only_where_it_was_changed() -> None:
    natural = Scene("fox", "flat style", "blue", colour="orange")
    changed = Scene("fox", "flat style", "blue", colour="green", recoloured=True)
    assert full_caption(natural) == "a fox, flat style, blue background"
    assert full_caption(changed) == "a green fox, flat style, blue background"


def test_a_caption_leaves_out_only_the_default_style_and_background() -> None:
    rng = np.random.default_rng(0)
    written = {training_caption(FOX, rng) for _ in range(400)} - {""}
    assert all("flat style" in caption and "blue background" in caption for caption in written)
    plain = Scene("fox", "cartoon style", "white")
    written = {training_caption(plain, rng) for _ in range(400)}
    assert {"", "a fox", "a fox, cartoon style", "a fox, white background"} <= written


def test_about_a_tenth_of_the_captions_is_empty_for_guidance() -> None:
    rng = np.random.default_rng(0)
    empty = sum(training_caption(FOX, rng) == "" for _ in range(4000))
    assert 320 < empty < 480


@pytest.mark.parametrize(("name", "count"), [("neon", 24), ("owl", 24)])
def test_each_demonstration_dataset_has_captioned_pictures_and_credits(
    name: str, count: int
) -> None:
    root = tiny_demo_dir() / name
    folders = [path for path in root.iterdir() if path.is_dir()]
    assert len(folders) == 1
    assert re.fullmatch(r"\d+_.+", folders[0].name)
    pictures = sorted(folders[0].glob("*.png"))
    assert len(pictures) == count
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.size == (256, 256)
        assert path.with_suffix(".txt").read_text().strip()
    assert "Apache" in (root / "CREDITS.md").read_text()


@pytest.mark.parametrize("dataset", ["neon", "owl"])
def test_the_captions_of_a_demonstration_dataset_hold_its_trigger_word(dataset: str) -> None:
    captions = list((tiny_demo_dir() / dataset).rglob("*.txt"))
    assert captions
    assert all(trigger_of(dataset) in path.read_text() for path in captions)


@pytest.mark.parametrize(
    ("key", "dataset"), [("tiny-lora-style", "neon"), ("tiny-dreambooth", "owl")]
)
def test_a_trial_uses_the_preset_of_the_product(key: str, dataset: str, tmp_path: Path) -> None:
    config = trial_config(key, dataset, tmp_path, {"seed": 7})
    assert config.method == preset(key).method
    assert config.learning_rate == preset(key).settings["learning_rate"]
    assert config.seed == 7
    assert config.resolution == known_subjects().picture_pixels
    assert trigger_of(dataset) in config.sample_prompts[0]
    rows = json.loads(Path(config.dataset_manifest).read_text())["images"]
    assert len(rows) == 24
    assert all(row["width"] == 256 for row in rows)
