"""The schema of a run: readable anywhere, strict, and the same through TOML."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.engine.config.sections import Section
from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.presets.choosing import all_presets, presets_for
from training.engine.toml_text import toml_text

ROOT = Path(__file__).resolve().parents[3]


def test_settings_events_presets_and_estimates_load_without_torch() -> None:
    code = (
        "import sys\n"
        "import training.engine.config.train, training.engine.events, training.engine.cli\n"
        "import training.engine.presets.choosing, training.engine.presets.table\n"
        "import training.engine.data.manifest, training.engine.estimate\n"
        "import training.engine.runs.journal, training.engine.samples.prompts\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'peft', 'django'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@given(
    name=st.text(min_size=1, max_size=30),
    numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3),
    flag=st.booleans(),
)
def test_toml_text_is_read_back_as_it_was(name: str, numbers: list[float], flag: bool) -> None:
    data = {"name": name, "flag": flag, "table": {"numbers": numbers, "count": 3}}
    assert tomllib.loads(toml_text(data)) == data


def test_a_config_survives_its_toml_file_and_paths_count_from_its_folder(tmp_path: Path) -> None:
    config = TrainConfig.parse(
        {
            "base_model": {"path": "bases/one.safetensors"},
            "dataset_manifest": "set/manifest.json",
            "learning_rate": "0.005:100, 1e-3:1000",
            "sample_prompts": ['a "quoted" \\ prompt --n 模糊'],
        }
    )
    path = tmp_path / "config.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    again = TrainConfig.from_toml(path)
    assert again == config.with_paths_from(tmp_path)
    assert again.base_model.path == str(tmp_path / "bases/one.safetensors")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"resolution": 500}, "resolution"),
        ({"learning_rate": "fast"}, "learning rate"),
        ({"learning_rate": 0}, "above 0"),
        ({"output_name": "../up"}, "output_name"),
        ({"unknown": 1}, "unknown: there is no such setting"),
        ({"network": {"rang": 8, "dmi": 8}}, "network.dmi: .* dim is meant, perhaps"),
        ({"min_timestep": 900, "max_timestep": 100}, "min_timestep"),
        ({"hypernetwork": {"layer_structure": [1, 2]}}, "begin and end with 1"),
        ({"network": {"dim": 0}}, "network.dim"),
    ],
)
def test_a_setting_that_does_not_fit_is_named(changes: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        TrainConfig.parse(changes)


def test_every_setting_has_a_sentence_of_help() -> None:
    sections = [TrainConfig, *Section.__subclasses__()]
    missing = [
        f"{section.__name__}.{name}"
        for section in sections
        for name, field in section.model_fields.items()
        if not (field.description or "").endswith((".", "?"))
    ]
    assert missing == []


def test_resolving_fills_in_what_follows_from_the_rest() -> None:
    config = TrainConfig.parse(
        {"method": "lora", "learning_rate": 1e-4, "network": {"dim": 32, "conv_dim": 8}}
    ).resolved()
    assert (config.network.alpha, config.network.conv_alpha) == (16.0, 4.0)
    assert config.text_encoder_learning_rate == pytest.approx(1e-5)
    assert config.epochs == 10
    assert config.sampling.width == 512
    assert config.resolved() == config


def test_every_preset_is_a_valid_config_with_about_five_rounds_of_samples() -> None:
    for preset in all_presets():
        for images in (8, 24, 100):
            config = TrainConfig.parse(preset.settings_for(images=images, repeats=2))
            assert config.epochs is not None
            rounds = config.epochs // config.sample_every_epochs
            assert 1 <= rounds <= 10, (preset.id, images)
        assert rounds <= config.epochs


def test_presets_of_the_bundled_base_take_minutes_and_little_memory_on_two_cores() -> None:
    for method in ("lora", "dreambooth", "textual_inversion", "hypernetwork"):
        for preset in presets_for(method, "tiny"):
            assert preset.minutes < 4
            assert preset.memory_gib < 2


def test_each_method_has_a_preset_for_the_bundled_base_and_each_kind_a_lora() -> None:
    for method in ("lora", "dreambooth", "textual_inversion", "hypernetwork"):
        assert presets_for(method, "tiny")
    for kind in ("character", "style", "object", "clothing"):
        for family in ("tiny", "sd1", "sd2", "sdxl"):
            assert presets_for("lora", family, kind), (family, kind)


def test_a_list_of_rates_takes_the_place_of_a_scheduler() -> None:
    listed = TrainConfig.parse({"learning_rate": "0.005:100, 1e-3:1000"})
    assert listed.resolved().scheduler == "constant"
    assert TrainConfig.parse({"learning_rate": "1e-3"}).resolved().scheduler == "cosine"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("a = 1".encode("utf-16"), "cannot be read"),
        (b"a = " + b"[" * 50_000, "cannot be read"),
        (b"learning_rate = true", "learning_rate is no setting that is true or false."),
        (b"[network]\ndim = false", "network.dim: dim is no setting that is true or false."),
        (b"learning_rate = nan", "fit. The learning rate 'nan' does not fit at 'nan'"),
        (b"min_timestep = 9\nmax_timestep = 9", "fit. min_timestep must be below max_timestep."),
        (b"[network]\ndim_from_weights = true", "the file of initial_weights"),
        (b"base_weights_multipliers = [1.0]", "more figures than base_weights"),
    ],
)
def test_odd_files_of_settings_are_refused_in_words(
    data: bytes, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(data)
    with pytest.raises(ConfigError) as found:
        TrainConfig.from_toml(path)
    assert words in str(found.value)
    assert "Value error" not in str(found.value)


def test_folders_of_samples_and_files_of_the_base_are_meant_from_the_settings(
    tmp_path: Path,
) -> None:
    path = tmp_path / "config.toml"
    path.write_text('base_weights = ["a.safetensors"]\n[sampling]\nlibrary = ["loras"]\n', "utf-8")
    config = TrainConfig.from_toml(path)
    assert config.base_weights == [str(tmp_path / "a.safetensors")]
    assert config.sampling.library == [str(tmp_path / "loras")]
