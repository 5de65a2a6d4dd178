"""Cached tensors: they hold no file, and a damaged one is none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from training.engine.data.tensor_cache import cache_path, read_cached, write_cached

pytestmark = pytest.mark.engine


def test_what_was_read_keeps_no_file_mapped_and_can_be_changed(tmp_path: Path) -> None:
    path = cache_path(tmp_path, ["a"])
    written = {"mean": torch.arange(6.0).view(1, 2, 3), "none": torch.zeros(0, 2)}
    write_cached(path, written)

    read, again = read_cached(path), read_cached(path)

    assert read is not None
    assert again is not None
    assert path.name not in Path("/proc/self/maps").read_text(encoding="utf-8")
    read["mean"] += 1
    assert {name: tensor.tolist() for name, tensor in again.items()} == {
        name: tensor.tolist() for name, tensor in written.items()
    }


def test_a_file_that_is_absent_or_ends_too_early_is_none(tmp_path: Path) -> None:
    path = cache_path(tmp_path, ["a"])
    assert read_cached(path) is None
    write_cached(path, {"mean": torch.ones(2, 2)})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert read_cached(path) is None, length
    path.write_bytes(bytes(len(whole)))
    assert read_cached(path) is None
    assert read_cached(tmp_path) is None
