"""What names mean."""

import pytest

from training.datasets import file_names


@pytest.mark.parametrize(
    "raw",
    ["../evil.png", "a/../../evil.png", "/etc/passwd", "C:\\x.png", "", "a\x00.png", "x" * 401],
)
def test_a_name_that_leaves_its_folder_is_unsafe(raw: str) -> None:
    assert file_names.safe_name(raw) is None


def test_a_windows_name_is_read_with_its_folders() -> None:
    assert file_names.safe_name("20_yuki\\001.png") == "20_yuki/001.png"


@pytest.mark.parametrize(
    "name", ["__MACOSX/a.png", "CREDITS.md", "b/._a.png", ".DS_Store", "x/Thumbs.db", "desktop.ini"]
)
def test_what_systems_leave_behind_is_junk(name: str) -> None:
    assert file_names.is_junk(name)


def test_a_picture_and_its_caption_have_the_same_key() -> None:
    key = file_names.pair_key("Folder/IMG 1.PNG")
    assert key == file_names.pair_key("folder/img 1.txt")
    assert key == file_names.pair_key("folder/img 1.png.txt")
    assert key != file_names.pair_key("other/img 1.txt")


def test_a_dot_in_a_name_belongs_to_it() -> None:
    assert file_names.pair_key("v1.5 final.png") == file_names.pair_key("v1.5 final.txt")


@pytest.mark.parametrize(
    ("name", "repeats", "words"),
    [
        ("20_yuki girl/a.png", 20, "yuki girl"),
        ("set/10_雪/a.png", 10, "雪"),
        ("5_outer/plain/a.png", 5, "outer"),
        ("plain/a.png", 1, ""),
        ("0_x/a.png", 1, "x"),
        ("9999_x/a.png", 1000, "x"),
        ("20_yuki.png", 1, ""),
    ],
)
def test_kohya_folders_tell_repeats_and_words(name: str, repeats: int, words: str) -> None:
    meaning = file_names.folder_meaning(name)
    assert (meaning.repeats, meaning.words) == (repeats, words)


def test_a_long_name_is_cut_but_keeps_its_suffix() -> None:
    short = file_names.short_name("a/" + "x" * 300 + ".png")
    assert len(short) == 255
    assert short.endswith(".png")
