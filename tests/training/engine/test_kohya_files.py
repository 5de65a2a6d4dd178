"""Files of kohya's scripts with prompts, and those with odd values, which are told in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.kohya.files import read_kohya_file
from training.engine.kohya.prompt_files import read_prompt_file
from training.engine.kohya.reading import from_kohya


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("datasets = 5", "another kind"),
        ("network_args = 5\nnetwork_dim = 4", "another kind"),
        ("a = " + "[" * 50_000, "neither TOML nor JSON"),
    ],
)
def test_values_of_other_kinds_are_refused_in_words(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "kohya.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=words):
        read_kohya_file(path)


def test_single_values_that_cannot_be_read_are_told_each() -> None:
    odd = {"resolution": [], "text_encoder_lr": [], "save_n_epoch_ratio": "x",
           "stop_text_encoder_training": "x", "token_warmup_step": "x"}  # fmt: skip
    found = from_kohya(odd)
    assert {sentence.split(" ")[0] for sentence in found.report} == set(odd)
    assert TrainConfig.parse(found.settings).resolution == 512


def test_prompts_come_from_lines_toml_and_json(tmp_path: Path) -> None:
    lines, toml, listed = (tmp_path / f"prompts.{kind}" for kind in ("txt", "toml", "json"))
    lines.write_text("# note\na cat --s 8\n\n", "utf-8")
    toml.write_text(
        '[prompt]\nwidth = 64\n[[prompt.subset]]\nprompt = "a cat"\nseed = 7\n', "utf-8"
    )
    listed.write_text('["a cat", {"prompt": "a dog", "negative_prompt": "bad"}]', "utf-8")
    assert read_prompt_file(lines) == ["a cat --s 8"]
    assert read_prompt_file(toml) == ["a cat --w 64 --d 7"]
    assert read_prompt_file(listed) == ["a cat", "a dog --n bad"]
    listed.write_text('[{"width": 64}]', "utf-8")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_prompt_file(listed)
    absent = from_kohya({"network_dim": 4, "sample_prompts": "absent.txt"})
    assert "absent.txt" in absent.report[0]
