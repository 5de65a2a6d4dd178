"""The dates in files: the clock's, unless SOURCE_DATE_EPOCH says another."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.factories.engine import make_config
from training.engine.errors import ConfigError
from training.engine.events import NoListener
from training.engine.files.dates import LATEST, VARIABLE, date_now, not_later
from training.engine.runs.outputs import RunFolder


def test_a_date_is_the_clocks_unless_the_variable_says_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert abs(date_now() - time.time()) < 60
    assert not_later(5.0) == 5.0
    monkeypatch.setenv(VARIABLE, "1735689600")
    assert date_now() == 1735689600.0
    assert not_later(1735689601.5) == 1735689600.0
    assert not_later(5.0) == 5.0


def test_the_first_and_the_last_second_are_dates_and_nothing_beyond_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for text in ("0", str(LATEST)):
        monkeypatch.setenv(VARIABLE, text)
        assert date_now() == float(text)
    for text in ("-1", str(LATEST + 1), "1.5", "today", "\u0661"):
        monkeypatch.setenv(VARIABLE, text)
        with pytest.raises(ConfigError, match=VARIABLE):
            date_now()


def test_the_number_of_a_run_follows_from_its_settings_and_pictures_and_stays_with_it(
    tmp_path: Path,
) -> None:
    def folder(name: str, **changes: object) -> RunFolder:
        config = make_config(Path("base"), Path("manifest"), **changes).resolved()
        return RunFolder(tmp_path / name, config, NoListener())

    first = folder("a").session_id("base", "pictures")
    assert 0 <= int(first) < 2**32
    assert folder("b").session_id("base", "pictures") == first
    assert folder("c").session_id("base", "others") != first
    assert folder("d", seed=5).session_id("base", "pictures") != first
    longer = folder("a", max_steps=9)  # the same run, which goes on for longer
    assert longer.session_id("base", "pictures") == first
