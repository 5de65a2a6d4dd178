"""The program's commands on model files and pictures, run as a person types them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from tests.factories.lora_files import random_lora
from training.engine.cli import main
from training.engine.commands.arguments import WeightedFile, weighted_file
from training.engine.config.train import TrainConfig

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def work(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkpoint, and two LoRAs for it."""
    folder = tmp_path_factory.mktemp("work")
    assert main(["convert", str(base), "--out", str(folder / "a.safetensors")]) == 0
    for number, name in enumerate(("one", "two")):
        random_lora(folder / "a.safetensors", folder / f"{name}.safetensors", seed=number)
    return folder


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_models_are_merged_extracted_resized_and_converted(
    work: Path, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, one, two = (work / f"{name}.safetensors" for name in ("a", "one", "two"))
    styled, out = tmp_path / "styled.safetensors", tmp_path / "out.safetensors"
    assert run("merge-lora", a, f"{one}:0.5", two, "--out", styled, "--dtype", "keep") == 0
    assert run("merge", a, styled, "--multiplier", 0.3, "--out", out) == 0
    assert {t.dtype for t in load_file(out).values()} == {torch.float16}
    mode = ("--mode", "add-difference", "--multiplier", 1)
    assert run("merge", a, styled, a, *mode, "--dtype", "fp32", "--out", out) == 0
    expected, made = load_file(styled), load_file(out)
    for name, tensor in made.items():
        torch.testing.assert_close(tensor, expected[name], rtol=1e-4, atol=1e-5)
    assert run("combine", f"{one}:0.5", two, "--rank", 3, "--out", out) == 0
    assert run("resize", out, "--rank", 2, "--energy", 0.99, "--out", out) == 0
    assert run("extract", styled, a, "--rank", 2, "--no-text-encoder", "--out", out) == 0
    assert all(name.startswith("lora_unet_") for name in load_file(out))
    capsys.readouterr()
    folder = tmp_path / "folder"
    assert run("convert", styled, "--folder", "--config", base, "--out", folder) == 0
    assert capsys.readouterr().out == f"{folder}\n"
    assert (folder / "tokenizer" / "vocab.json").is_file()


def test_pictures_are_drawn_with_files_from_a_library_and_told_as_json(
    work: Path, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tmp_path / "prompts.txt"
    lines.write_text("\ufeff# two\na cat <lora:one:0.5> --s 1\n\na dog --s 1\n", encoding="utf-8")
    arguments = ("--base", base, "--size", 64, "--out", tmp_path / "s", "--library", work)
    assert run("sample", "--prompts-file", lines, *arguments, "--json") == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted((fact["number"], fact["seed"]) for fact in told) == [(0, 1), (1, 2)]
    start = tmp_path / "s" / "p00.png"
    again = ("--steps", 1, "--init", start, "--mask", start, "--denoise", 0.3, "--seed", 5)
    assert run("sample", "a cat :2", *arguments[:4], "--out", tmp_path / "i", *again) == 0
    assert "the 2 at its end is its weight" in capsys.readouterr().err
    assert (
        run("sample", "a cat", *arguments[:4], "--steps", 1, "--hires", 1.5, "--out", tmp_path) == 0
    )
    with Image.open(tmp_path / "p00.png") as picture:
        assert picture.size == (96, 96)
        assert "Hires upscale: 1.5" in picture.info["parameters"]


def test_a_grid_is_one_call(
    work: Path, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--base", base, "--size", 64, "--steps", 1, "--out", tmp_path, "--json")
    axes = ("--file", work / "one.safetensors", "--weight", 0.5, "--seed", 1, "--seed", 2)
    assert run("grid", "a cat", "a dog --q 1", *axes, *arguments) == 0
    told = capsys.readouterr()
    assert told.err.startswith("Sample prompt 2: --q is no option that is known here")
    *cells, last = (json.loads(line) for line in told.out.splitlines())
    assert [cell["total"] for cell in cells] == [8] * 8
    assert all(Path(cell["path"]).is_file() for cell in cells)
    assert Path(last["sheet"]).is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sample", "a", "--sampler", "Magic"], "Choose one of: Euler"),
        (["sample"], "Give one in quotes"),
        (["sample", "a", "--mask", "x.png"], "Give one with --init"),
        (["sample", "a", "--init", "absent.png"], "no picture absent.png"),
        (["sample", "a", "--library", "absent"], "no folder absent"),
        (["sample", "--prompts-file", "absent.txt"], "cannot be read"),
        (["merge", "a", "b", "c", "d", "--out", "x"], "two or three models"),
    ],
)
def test_mistakes_are_told_with_what_to_do(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_files_that_cannot_be_read_end_a_command_with_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.safetensors").write_bytes(b"no model")
    bad = tmp_path / "bad.safetensors"
    assert run("convert", bad, "--out", tmp_path / "x.safetensors") == 1
    assert "cannot be read as safetensors" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.safetensors"]


def test_a_place_that_cannot_be_written_is_told_in_words(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    out = tmp_path / "file" / "x.safetensors"
    assert run("convert", work / "a.safetensors", "--out", out) == 1
    assert "could not be read or written" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["sample", "grid", "merge", "extract", "resize", "convert"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "--out" in capsys.readouterr().out


def test_a_file_and_its_weight_are_told_apart_by_the_last_colon() -> None:
    assert weighted_file("a/b.safetensors") == WeightedFile(Path("a/b.safetensors"), 1.0)
    assert weighted_file("a/b.safetensors:-0.5") == WeightedFile(Path("a/b.safetensors"), -0.5)
    assert weighted_file("C:/b.safetensors") == WeightedFile(Path("C:/b.safetensors"), 1.0)


def test_settings_go_to_kohya_with_their_prompts_and_come_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = tmp_path / "ours.toml"
    ours.write_text('output_name = "x"\nsample_prompts = ["a cat --n bad"]\n', encoding="utf-8")
    assert run("export-kohya", ours, "--out", tmp_path / "theirs") == 0
    theirs = tmp_path / "theirs" / "config.toml"
    prompts = tmp_path / "theirs" / "sample_prompts.txt"
    assert tomllib.loads(theirs.read_text("utf-8"))["sample_prompts"] == str(prompts)
    assert prompts.read_text("utf-8") == "a cat --n bad\n"
    back = tmp_path / "back.toml"
    assert run("import-kohya", theirs, "--sample-prompts", prompts, "--out", back) == 0
    settings = tomllib.loads(back.read_text("utf-8"))
    assert settings["sample_prompts"] == ["a cat --n bad"]
    assert settings["output_name"] == "x"
    capsys.readouterr()
    assert run("import-kohya", theirs, "--sample-prompts", tmp_path / "absent.txt") == 2
    assert "cannot be read" in capsys.readouterr().err


def test_every_setting_is_listed_with_its_help_in_a_file_that_can_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["settings"]) == 0
    printed = capsys.readouterr().out
    (tmp_path / "all.toml").write_text(printed, encoding="utf-8")
    assert TrainConfig.from_toml(tmp_path / "all.toml") == TrainConfig()
    for name in TrainConfig.model_fields:
        assert (
            f"\n{name} = " in f"\n{printed}" or f"# {name} =" in printed or f"[{name}]" in printed
        )
    assert "# Rank of the adapters; more can learn more. (from 1 to 512)\ndim = 16" in printed
    assert printed.startswith("# What is trained. (lora, dreambooth,")
