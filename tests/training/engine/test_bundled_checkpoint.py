"""The bundled base as one file, which is how the demonstration publishes it."""

from pathlib import Path

import pytest

from training.base_models.tiny.location import tiny_base_dir
from training.engine.architectures import detect_family
from training.engine.cli import main

pytestmark = pytest.mark.engine


def test_a_checkpoint_without_attention_at_the_first_level_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "base.safetensors"
    arguments = ["convert", str(tiny_base_dir()), "--dtype", "fp16", "--out", str(path)]
    assert main(arguments) == 0
    assert detect_family(path) == "tiny"
