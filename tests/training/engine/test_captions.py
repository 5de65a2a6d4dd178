"""Wildcards, kept tags, weights and dropout in captions, each a function of step and slot."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.engine.data.captions import CaptionRule


def test_a_wildcard_draws_each_choice_about_equally_and_the_same_at_the_same_step() -> None:
    rule = CaptionRule(seed=1, wildcards=True)
    texts = [rule.text("a {red|blue|dark green} cat", step, 0) for step in range(900)]
    counts = {text: texts.count(text) for text in texts}
    assert counts.keys() == {"a red cat", "a blue cat", "a dark green cat"}
    assert all(240 < count < 360 for count in counts.values())
    assert texts == [rule.text("a {red|blue|dark green} cat", step, 0) for step in range(900)]


def test_wildcards_nest_take_one_line_and_leave_doubled_braces() -> None:
    rule = CaptionRule(seed=1, wildcards=True)
    nested = {rule.text("{a|{b|c}}", step, 0) for step in range(60)}
    assert nested == {"a", "b", "c"}
    assert {rule.text("one\n\ntwo\n", step, 0) for step in range(40)} == {"one", "two"}
    assert rule.text("{{x|y}} and {}", 0, 0) == "{x|y} and "
    assert CaptionRule(seed=1).text("{a|b}", 0, 0) == "{a|b}"


def test_without_wildcards_the_lines_of_a_caption_follow_each_other_as_tags_or_sentences() -> None:
    rule = CaptionRule(seed=1)
    assert rule.text("red\r\n\nround \n small,\nold", 0, 0) == "red, round, small, old"
    assert rule.text("A cat sits.\nIt is old.", 0, 0) == "A cat sits. It is old."
    shuffled = CaptionRule(seed=1, shuffle=True)
    assert len({shuffled.text("a\nb\nc", step, 0) for step in range(40)}) == 6


def test_the_trigger_word_goes_to_the_end_where_it_is_said_to() -> None:
    last = CaptionRule(trigger_word="neon style", trigger_last=True)
    for caption in ("Neon style, a cat", "a cat, neon style", "a cat"):
        assert last.text(caption, 0, 0) == "a cat, neon style"
    assert last.text("a neon style cat", 0, 0) == "a neon style cat"
    assert last.text("", 0, 0) == "neon style"
    first = CaptionRule(trigger_word="neon style")
    assert first.text("a cat", 0, 0) == "neon style, a cat"
    assert first.text("a cat, neon style", 0, 0) == "a cat, neon style"


def test_tags_before_the_mark_and_after_a_second_one_stay_where_they_are() -> None:
    rule = CaptionRule(seed=1, keep_separator="|||", shuffle=True, tag_dropout=0.3, keep_tokens=9)
    texts = {rule.text("a, b ||| c, d, e, f ||| y, z", step, 0) for step in range(60)}
    assert len(texts) > 10
    for text in texts:
        assert text.startswith("a, b")
        assert text.endswith("y, z")
        assert "|||" not in text


def test_the_mark_never_reaches_the_text_encoder_and_captions_without_it_keep_tokens() -> None:
    plain = CaptionRule(seed=1, keep_separator="|||")
    assert plain.text("a, b ||| c", 0, 0) == "a, b, c"
    shuffled = CaptionRule(seed=1, keep_separator="|||", shuffle=True, keep_tokens=1)
    texts = {shuffled.text("a, b, c, d", step, 0) for step in range(40)}
    assert len(texts) == 6
    assert all(text.startswith("a, ") for text in texts)


def test_a_text_before_and_behind_a_caption_belongs_to_its_first_and_last_tag() -> None:
    rule = CaptionRule(prefix="best,", suffix="by Ada")
    assert rule.text("red\nround", 0, 0) == "best, red, round by Ada"
    assert rule.text("", 0, 0) == "best, by Ada"
    lines = CaptionRule(prefix="a {big|small}", wildcards=True)
    texts = {lines.text("cat\ndog", step, 0) for step in range(40)}
    assert texts == {"a big cat", "a big dog", "a small cat", "a small dog"}


def test_tags_with_a_secondary_separator_move_as_one() -> None:
    rule = CaptionRule(shuffle=True, secondary_separator=";;;")
    texts = {rule.text("a, b;;;c, d", step, 0) for step in range(60)}
    assert texts == {
        *("a, b,c, d", "a, d, b,c", "b,c, a, d", "b,c, d, a", "d, a, b,c", "d, b,c, a"),
    }


def test_every_so_many_epochs_all_captions_are_left_out() -> None:
    rule = CaptionRule(seed=1, dropout_every_epochs=3, steps_per_epoch=4, trigger_word="sks")
    shown = [bool(rule.text("a", step, 0)) for step in range(24)]
    assert shown == [*[True] * 8, *[False] * 4] * 2


@pytest.mark.engine
def test_weights_in_captions_reach_training_and_keep_the_limit_of_tokens(
    base: Path, manifest: Path
) -> None:
    import torch

    from tests.factories.engine import make_config
    from training.engine.components import load_components
    from training.engine.machine.precision import Machine, choose
    from training.engine.text import TextConditioner

    components = load_components(make_config(base, manifest), choose(Machine(cuda=False)))
    conditioner = TextConditioner(components, max_tokens=75)
    long = "a (red:1.5) thing, " * 40
    plain, weighed = (conditioner.encode([long], emphasis=e, chunks=1) for e in (False, True))
    assert plain.embeddings.shape == weighed.embeddings.shape == (1, 77, 16)
    assert not torch.allclose(plain.embeddings, weighed.embeddings)
    assert conditioner.encode([long], emphasis=True).embeddings.shape[1] > 77


@pytest.mark.engine
def test_a_run_reads_weights_in_captions_only_where_asked(
    base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    import json

    from tests.factories.engine import make_config
    from tests.training.engine.test_resume import run

    data = json.loads(manifest.read_text(encoding="utf-8"))
    for image in data["images"]:
        image["caption"] = "a (red:1.9) thing"
    other = manifest.with_name("weighed.json")
    other.write_text(json.dumps(data), encoding="utf-8")
    losses = []
    for emphasis in (False, True):
        config = make_config(base, other, max_steps=1, captions={"emphasis": emphasis})
        _, told = run(config, tmp_path / str(emphasis), cache)
        losses.append(told.of("stepped")[0].loss)
    assert losses[0] != losses[1]
