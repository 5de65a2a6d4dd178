"""Live messages of hubs that share a Valkey."""

import runpy
from pathlib import Path

import pytest

BASE = Path(__file__).resolve().parents[3] / "hub/settings/base.py"


def test_hubs_on_two_databases_of_one_valkey_hear_nothing_of_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = set()
    for database in (0, 1):
        monkeypatch.setenv("VALKEY_URL", f"redis://:secret@valkey:6379/{database}")
        names.add(runpy.run_path(str(BASE))["CHANNEL_LAYERS"]["default"]["CONFIG"]["prefix"])
    assert names == {"atelier-ws/0", "atelier-ws/1"}
