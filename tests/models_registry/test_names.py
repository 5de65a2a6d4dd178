"""Names for addresses and disks, words for the index."""

import pytest

from models_registry.search_text import index_words, raw_query
from models_registry.services.names import FILE_NAME_BYTES, clean_file_name, clean_name, clean_words


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("model.safetensors", "model.safetensors"),
        ("/etc/passwd", "passwd"),
        ("C:\\models\\ink.pt", "ink.pt"),
        ("水墨 v2.safetensors", "水墨 v2.safetensors"),
        ('a"b:c*?.pt', "a_b_c__.pt"),
        ("..", "file"),
        ("", "file"),
        ("name\r\nX-Evil: 1.pt", "name__X-Evil_ 1.pt"),
    ],
)
def test_file_names_are_fit_for_any_disk(sent, kept):
    assert clean_file_name(sent) == kept


def test_a_long_file_name_is_cut_between_letters_and_keeps_its_extension():
    name = clean_file_name("水" * 200 + ".safetensors")
    assert name.endswith("水.safetensors")
    assert len(name.encode()) <= FILE_NAME_BYTES


def test_words_lose_blanks_doubles_and_commas_of_both_scripts():
    assert clean_words([" yuki ,", "red  ribbon", "", "，", "yuki", "蓝发、"]) == [
        "yuki",
        "red ribbon",
        "蓝发",
    ]


def test_index_words_hold_parts_and_bigrams_once():
    assert index_words(["yuki_ns", "水墨画", "yuki_ns"]).split() == [
        "yuki_ns",
        "yuki",
        "ns",
        "水墨画",
        "水墨",
        "墨画",
        "画",
    ]


def test_letters_of_other_widths_are_the_same_letters():
    assert index_words(["ＩＮＫ", "cafe\u0301", "ｶﾜｲｲ"]).split()[:2] == ["INK", "café"]
    assert raw_query("ＩＮＫ １２ ｶﾜ") == "ink:* & 12:* & カワ:*"


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("Ink wash", "ink:* & wash:*"),
        ("水墨画", "水墨:* & 墨画:*"),
        ("SD 1.5", "sd:* & 1.5:*"),
        ("' | !(&", ""),
        ("水abc", "水:* & abc:*"),
    ],
)
def test_what_is_typed_becomes_a_valid_query(typed, asked):
    assert raw_query(typed) == asked


def test_a_query_has_a_limit():
    assert raw_query(" ".join(f"w{n}" for n in range(50))).count("&") == 11


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("ink\u202egnp.safetensors", "inkgnp.safetensors"),
        ("\ufeffink\u200b.pt", "ink.pt"),
        ("ink\x85\u2028.pt", "ink__.pt"),
        ("CON.safetensors", "_CON.safetensors"),
        ("com1", "_com1"),
        ("console.pt", "console.pt"),
        ("nul .pt", "nul .pt"),
    ],
)
def test_names_that_mislead_or_name_a_device_become_plain_ones(sent, kept):
    assert clean_file_name(sent) == kept


@pytest.mark.parametrize(("letters", "is_suffix"), [(31, True), (32, False)])
def test_what_is_too_long_for_an_ending_is_a_part_of_the_name(letters, is_suffix):
    name = clean_file_name("n" * 300 + "." + "x" * letters)
    assert len(name.encode()) <= 200
    assert name.endswith("x") is is_suffix


def test_a_title_does_not_turn_the_direction_of_writing():
    assert clean_name("ink\u202ehsaw") == "inkhsaw"


def test_names_give_no_orders_to_a_terminal():
    assert clean_name("a\x1b]0;x\x07b\x85\x9bc\td") == "a]0;xb c d"
    assert clean_words(["\x1b[31mred", "\x07"]) == ["[31mred"]
