"""Beginnings of words as the words that prompts have: they find the same pictures."""

from importlib import import_module

import pytest
from django.contrib.postgres.search import SearchQuery
from django.db import connection

from gallery.models import Generation, PromptWord
from gallery.prompt_words import MOST_WORDS, with_whole_words
from gallery.services.generation_data import keep_given_text
from models_registry.search_text import raw_query
from tests.factories.gallery import make_image

pytestmark = pytest.mark.django_db
SETTINGS = "Steps: 20, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x96"
PROMPTS = (
    "frozen castle, watercolour",
    "castles in the air, frozen lake, water",
    "Frost, castle_v1.5, <lora:castle:0.8>, (frozen:1.25)",
    "水墨 castle, 冰冻的城堡",
    "o'neill's castle \\(frozen\\) & | ! frozen-castle",
)


@pytest.fixture
def pictures() -> list[int]:
    """Keys of pictures with these prompts."""
    found = []
    for prompt in PROMPTS:
        image = make_image()
        keep_given_text(image, f"{prompt}\n{SETTINGS}")
        found.append(image.pk)
    return found


def having(raw: str) -> set[int]:
    query = SearchQuery(raw, config="simple", search_type="raw")
    return set(Generation.objects.filter(search=query).values_list("image_id", flat=True))


@pytest.mark.usefixtures("pictures")
def test_a_beginning_becomes_the_words_that_there_are() -> None:
    assert with_whole_words("fro:* & castl:*") == "(frost | frozen) & (castle | castles)"
    assert with_whole_words("水墨:* & frost:*") == "(水墨) & (frost)"


@pytest.mark.usefixtures("pictures")
def test_what_no_word_begins_with_stays_and_so_does_a_single_beginning() -> None:
    assert with_whole_words("fro:*") == "fro:*"
    assert with_whole_words("") == ""
    assert with_whole_words("zz:* & frost:*") == "zz:* & (frost)"
    assert with_whole_words("1.25:* & castle_v1:*") == "1.25:* & castle_v1:*"
    assert with_whole_words("1:* & frost:*") == "1:* & (frost)", "1.25 is not one word everywhere"


def test_a_beginning_of_very_many_words_stays() -> None:
    words = [f"w{number:03}" for number in range(MOST_WORDS + 1)]
    PromptWord.objects.bulk_create(PromptWord(word=word) for word in words[1:])
    assert with_whole_words("w:* & w12:*").startswith("(w001 | w002 |")
    PromptWord.objects.create(word=words[0])
    assert with_whole_words("w:* & w12:*") == "w:* & (w120 | w121 | w122 | w123 | w124 | w125" + (
        " | w126 | w127 | w128)"
    )


@pytest.mark.parametrize(
    "text",
    ["frozen castle", "fro cas wat", "水 castle", "castle v1", "castle 1.25", "o neill frozen",
     "castle_v1.5 frost", "冰冻 城堡", "lora castl", "CASTLE & FROZEN", "nothing castle"],
)  # fmt: skip
def test_whole_words_find_what_their_beginnings_do(pictures: list[int], text: str) -> None:
    raw = raw_query(text)
    assert having(with_whole_words(raw)) == having(raw) <= set(pictures)


def test_a_prompt_that_is_read_again_keeps_its_words_once(pictures: list[int]) -> None:
    before = set(PromptWord.objects.values_list("word", flat=True))
    generation = Generation.objects.select_related("image").get(pk=pictures[0])
    keep_given_text(generation.image, f"frozen dragon\n{SETTINGS}")
    assert set(PromptWord.objects.values_list("word", flat=True)) == before | {"dragon"}


@pytest.mark.usefixtures("pictures")
def test_the_migration_writes_what_the_service_does() -> None:
    kept = set(PromptWord.objects.values_list("word", flat=True))
    PromptWord.objects.all().delete()
    migration = import_module("gallery.migrations.0005_words_of_prompts")
    with connection.cursor() as cursor:
        cursor.execute(migration.FILL)
    written = set(PromptWord.objects.values_list("word", flat=True))
    assert {"watercolour", "水墨", "1.25"} <= written
    assert written <= kept, "of prompts that were written over, too"
