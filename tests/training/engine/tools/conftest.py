"""Single files and LoRAs of the random bases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories.engine import make_base, make_xl_base
from training.engine.tools.convert import ConvertOptions, convert_to_file


@pytest.fixture(scope="session")
def xl_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_xl_base(tmp_path_factory.mktemp("xl"))


@pytest.fixture(scope="session")
def other_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("other"), seed=9)


@pytest.fixture(scope="session")
def checkpoint(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convert_to_file(
        base, tmp_path_factory.mktemp("a") / "first.safetensors", ConvertOptions()
    ).path


@pytest.fixture(scope="session")
def other_checkpoint(other_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convert_to_file(
        other_base, tmp_path_factory.mktemp("b") / "second.safetensors", ConvertOptions()
    ).path


@pytest.fixture(scope="session")
def xl_checkpoint(xl_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convert_to_file(
        xl_base, tmp_path_factory.mktemp("c") / "large.safetensors", ConvertOptions()
    ).path
