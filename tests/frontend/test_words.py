"""Numbers and times as people say them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.utils import translation

from frontend.templatetags.words import ago, compact, decimal, duration, number, size

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (986, "986"), (1000, "1.0k"), (2143, "2.1k"), (14_300, "14k"), (3_200_000, "3.2M")],
)
def test_large_numbers_are_short_on_cards(value: int, words: str) -> None:
    assert compact(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1.0 KB"),
        (41 * 1024, "41 KB"),
        (228_589_568, "218 MB"),
        (6_979_321_856, "6.5 GB"),
        (2 * 1024**4, "2,048 GB"),
    ],
)
def test_sizes_have_a_digit_only_below_ten(value: int, words: str) -> None:
    assert size(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0.4, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (660, "11 min"),
        (3590, "1 h 0 min"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=9), "Nov. 14, 2026"),
    ],
)
def test_past_instants_are_told_from_now(passed: timedelta, words: str) -> None:
    assert ago(NOW - passed, NOW) == words


def test_chinese_says_the_same() -> None:
    with translation.override("zh-hans"):
        assert ago(NOW - timedelta(days=2), NOW) == "2 天前"
        assert duration(7500) == "2 小时 5 分钟"


def test_weights_and_counts() -> None:
    assert (decimal(0.7), decimal(1.0), decimal(0.65), decimal(None)) == ("0.7", "1", "0.65", "")
    assert (number(1254), number(None)) == ("1,254", "")


def test_an_instant_keeps_its_exact_time_for_the_script() -> None:
    shown = Template("{% load words %}{% when at %} {% clock at %} {% when none %}")
    html = shown.render(Context({"at": NOW, "none": None}))

    assert 'datetime="2026-11-23T12:00:00+00:00" title="2026-11-23 12:00 UTC"' in html
    assert "data-clock" in html
    assert html.endswith("–")
