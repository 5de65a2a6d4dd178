"""Texts that are kept by their source, up to so many characters."""

from hub.core.kept_texts import KeptPrints, KeptTexts


class Maker:
    """Doubles a text, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, source: str) -> str:
        self.asked.append(source)
        return source * 2


def test_a_text_is_made_once() -> None:
    make = Maker()
    kept = KeptTexts(make, most_characters=100)
    assert [kept("a"), kept("b"), kept("a")] == ["aa", "bb", "aa"]
    assert make.asked == ["a", "b"]


def test_what_was_not_used_for_longest_goes_first() -> None:
    make = Maker()
    kept = KeptTexts(make, most_characters=9)
    for source in ("a", "b", "c", "a", "d", "a", "c", "b"):
        kept(source)
    assert make.asked == ["a", "b", "c", "d", "b"]


def test_a_text_above_the_limit_is_made_and_drives_no_other_away() -> None:
    make = Maker()
    kept = KeptTexts(make, most_characters=11)
    kept("a")
    assert kept("long") == kept("long") == "longlong"
    kept("a")
    assert make.asked == ["a", "long", "long"]


def test_a_text_of_just_the_limit_is_kept() -> None:
    make = Maker()
    kept = KeptTexts(make, most_characters=12)
    assert kept("long") == kept("long")
    assert make.asked == ["long"]


def test_none_is_an_answer_too() -> None:
    asked: list[str] = []
    kept = KeptTexts[str | None](asked.append, most_characters=10)
    assert kept("a") is kept("a") is None
    assert asked == ["a"]


def test_a_print_is_found_for_an_equal_source_alone() -> None:
    kept = KeptPrints(most_bytes=10)
    kept.keep("a", [1, ("x",)], b"first")
    assert kept.find("a", [1, ("x",)]) == b"first"
    assert kept.find("a", [1, ("y",)]) is None
    assert kept.find("b", [1, ("x",)]) is None
    kept.keep("a", [2], b"later")
    assert kept.find("a", [2]) == b"later"
    assert kept.find("a", [1, ("x",)]) is None


def test_prints_are_kept_up_to_the_limit_and_the_longest_unused_goes_first() -> None:
    kept = KeptPrints(most_bytes=10)
    kept.keep("a", 1, b"12345")
    kept.keep("b", 1, b"12345")
    assert kept.find("a", 1) == b"12345"
    kept.keep("c", 1, b"1")
    assert [kept.find(name, 1) is not None for name in "abc"] == [True, False, True]
    kept.keep("a", 2, b"12345678901")
    assert kept.find("a", 2) is None
    kept.keep("d", 1, b"123456789")
    assert [kept.find(name, 1) is not None for name in "cd"] == [True, True]
