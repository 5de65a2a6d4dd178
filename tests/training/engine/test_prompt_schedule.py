"""Prompt editing, step by step, as A1111 reads it."""

from __future__ import annotations

import pytest

from training.engine.samples.prompt_schedule import prompt_at


def schedule(prompt: str, steps: int = 10, **options: int) -> list[tuple[int, str]]:
    """Return the texts in order, each with the last step in which it holds."""
    found: list[tuple[int, str]] = []
    for step in range(1, steps + 1):
        text = prompt_at(prompt, step, steps, **options)
        if found and found[-1][1] == text:
            found.pop()
        found.append((step, text))
    return found


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a cat", [(10, "a cat")]),
        ("a [hat:3]", [(3, "a "), (10, "a hat")]),
        ("a [hat: 3 ]", [(3, "a "), (10, "a hat")]),
        ("a [hat::3]", [(3, "a hat"), (10, "a ")]),
        ("a [cat:dog:0.5] now", [(5, "a cat now"), (10, "a dog now")]),
        ("a [cat:dog:.3]", [(3, "a cat"), (10, "a dog")]),
        ("a [[[hat]]:2]", [(2, "a "), (10, "a [[hat]]")]),
        ("[(hat:2):3]", [(3, ""), (10, "(hat:2)")]),
        ("a[b:[c:d:2]:1]e", [(1, "abe"), (2, "ace"), (10, "ade")]),
        ("a [b : c : 1] d", [(1, "a b  d"), (10, "a  c  d")]),
        ("a [open", [(10, "a [open")]),
        ("a [weak] cat", [(10, "a [weak] cat")]),
        ("a [cat:dog] now", [(10, "a [cat:dog] now")]),
        (r"a \[cat:dog:0.5\]", [(10, r"a \[cat:dog:0.5\]")]),
        ("((a][:b:c [d:3]", [(3, "((a][:b:c "), (10, "((a][:b:c d")]),
        ("[<lora:x:0.5>a:b:0.5]", [(5, "<lora:x:0.5>a"), (10, "b")]),
        ("a [cat:dog:99]", [(10, "a cat")]),
        ("a [cat:dog:-1]", [(10, "a dog")]),
        ("a [cat:dog:+3]", [(3, "a cat"), (10, "a dog")]),
        ("a [cat:dog:5.0e-1]", [(5, "a cat"), (10, "a dog")]),
        ("a [cat:dog:３]", [(10, "a [cat:dog:３]")]),
    ],
)
def test_a_prompt_changes_at_the_steps_that_it_names(
    prompt: str, expected: list[tuple[int, str]]
) -> None:
    assert schedule(prompt) == expected


def test_texts_take_turns_step_by_step() -> None:
    assert schedule("[fe|]male", 4) == [(1, "female"), (2, "male"), (3, "female"), (4, "male")]
    assert [text for _, text in schedule("[a|(b:1.1)|c]", 4)] == ["a", "(b:1.1)", "c", "a"]


def test_the_first_step_of_all_shows_what_comes_first() -> None:
    assert prompt_at("[cat:dog:1]", 0, 10) == "cat"
    assert prompt_at("[cat:dog:0]", 0, 10) == "dog"
    assert prompt_at("[cat|dog]", 0, 10) == "cat"


def test_in_the_second_pass_moments_count_on_from_the_first() -> None:
    assert schedule("[cat:dog:0.5]", earlier_steps=20) == [(10, "dog")]
    assert schedule("[cat:dog:1.5]", earlier_steps=20) == [(5, "cat"), (10, "dog")]
    assert schedule("[cat:dog:24]", earlier_steps=20) == [(4, "cat"), (10, "dog")]
    assert schedule("[cat:dog:1.5]") == [(10, "cat")]


def test_deep_and_endless_brackets_are_read_in_bounded_time() -> None:
    assert prompt_at("[" * 5000, 1, 10) == "[" * 5000
    nested = "[" * 300 + "a" + "]" * 300
    assert prompt_at(nested, 1, 10) == nested
