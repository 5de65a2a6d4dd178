"""The wizard's settings on top of a preset's."""

import functools
from typing import Any

import pytest

from frontend.forms.sample_prompts import line_problem, with_hash
from frontend.forms.train import SettingsForm
from frontend.forms.train_advanced import SETTINGS, Setting, field_of, shown_value
from training.engine.config.train import TrainConfig
from training.engine.presets.choosing import all_presets, preset
from training.jobs.models.job import Method


def form_for(config: dict[str, Any], *, method: str = "lora", **changes: Any) -> SettingsForm:
    initial = SettingsForm.initial_of(config, name="yuki", prompts=["yuki"])
    filled = {name: "" if value is None else value for name, value in initial.items()}
    form = SettingsForm({**filled, **changes}, method=method)
    assert form.is_valid(), form.errors
    return form


def test_what_is_not_changed_stays_as_the_preset_says() -> None:
    config = preset("tiny-lora-style").settings_for(images=24)
    merged = form_for(config).overlay(config)
    assert {**merged, "sample_prompts": None, "network": None, "seed": None} == {
        **config,
        "sample_prompts": None,
        "network": None,
        "seed": None,
    }


def test_a_shorter_run_is_saved_and_sampled_more_often() -> None:
    config = preset("tiny-lora-style").settings_for(images=8)
    assert config["sample_every_epochs"] > 3
    merged = form_for(config, epochs=3).overlay(config)
    assert (merged["save_every_epochs"], merged["sample_every_epochs"]) == (1, 1)


@pytest.mark.parametrize("method", [str(value) for value in Method])
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.path)
def test_every_rarer_setting_reaches_the_engine_as_it_was_typed(
    method: str, setting: Setting
) -> None:
    """A value that differs from the usual one, in what the engine's schema then holds."""
    if method not in setting.methods:
        assert setting.name not in SettingsForm(method=method).fields
        return
    config = next(row for row in all_presets() if row.method == method).settings_for(images=8)
    usual = shown_value(setting, config)
    choices = [value for value, _words in getattr(field_of(setting), "choices", []) if value]
    text = next((value for value in choices if value != usual), None)
    text = text or ("a bird" if isinstance(usual, str) else "0.25" if is_share(usual) else "3")
    form = form_for(config, method=method, **{setting.name: text})
    changed = TrainConfig.parse(form.overlay(config) | {"output_name": "x"})
    found = functools.reduce(getattr, setting.path.split("."), changed)
    said = {True: "yes", False: "no"}[found] if isinstance(found, bool) else str(found)
    assert said.removesuffix(".0") == text


def is_share(value: Any) -> bool:
    return value is None or isinstance(value, float)


def test_what_nobody_touched_is_left_out_of_the_settings() -> None:
    config = preset("tiny-lora-subject").settings_for(images=8)
    merged = form_for(config).overlay(config)
    assert "validation" not in merged
    assert merged["captions"] == config["captions"]


def test_a_page_that_knows_fewer_settings_may_still_start_a_run() -> None:
    config = preset("tiny-lora-subject").settings_for(images=8)
    filled = SettingsForm.initial_of(config, name="yuki", prompts=["yuki"])
    plain = {name: filled[name] for name in SettingsForm.base_fields}
    form = SettingsForm({**plain, "warmup_steps": ""}, method="lora")
    assert form.is_valid(), form.errors
    assert form.overlay(config)["warmup_steps"] == config["warmup_steps"]


def test_a_setting_outside_the_engines_limits_is_refused_at_its_field() -> None:
    config = preset("tiny-lora-subject").settings_for(images=8)
    filled = SettingsForm.initial_of(config, name="yuki", prompts=["yuki"])
    form = SettingsForm({**filled, "validation__share": "0.9"}, method="lora")
    assert list(form.errors) == ["validation__share"]


def test_every_field_stands_in_one_group() -> None:
    form = SettingsForm(method="lora")
    grouped = [field.name for _title, fields in form.groups() for field in fields]
    assert sorted(grouped) == sorted(form.fields.keys() - {"name", "sample_prompts"})


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("--w 512", "there is no prompt before the options."),
        ("a cat --x 1", "there is no option --x."),
        ("a cat --hd 0.5", "--hd needs --hr."),
        ("a cat --mask 0,0,50,50", "--mask needs --init."),
        ("a cat --w 63", "--w is a whole number from 64 to 2048, not “63”."),
        ("a cat --s 4.5", "--s is a whole number from 1 to 150, not “4.5”."),
        ("a cat --l nan", "--l is a number from 0 to 30, not “nan”."),
        ("a cat --hr", "--hr is a number from 1 to 4, not “”."),
        ("a cat --ss Eular", "there is no sampler “Eular”."),
        ("a cat --hr 2 --hu ESRGAN", "there is no upscaler “ESRGAN”."),
        ("a cat --init b.png", "the dataset has no picture called “b.png”."),
        ("a cat --init a.png --dn 1.1", "--dn is a number from 0 to 1, not “1.1”."),
        ("a cat --init a.png --mask 60,0,50,50", "--mask is left, top, right, bottom"),
        ("a cat --init a.png --mask 0,0,101,50", "--mask is left, top, right, bottom"),
        ("a cat --n bad -- dog --w 64 --h 2048 --s 150 --l 7.5 --d 4294967295 --ss k_euler_a", ""),
        ("a cat --hr 4 --hd 0 --hs 0 --hu lanczos", ""),
        ("a cat --init a.png --dn 1 --mask 0,0,100,100", ""),
    ],
)
def test_a_line_of_prompts_is_refused_with_its_reason(line: str, problem: str) -> None:
    found = line_problem(line, {"a.png": "0123456789abcdef"}.get)
    assert found.startswith(problem) if problem else found == ""


def test_the_picture_of_a_line_is_named_by_its_hash() -> None:
    pictures = {"my cat.png": "0123456789abcdef"}
    line = "a cat --init my cat.png --dn 0.5"
    assert with_hash(line, pictures.get) == "a cat --init 0123456789ab --dn 0.5"
    assert with_hash("a cat --init my cat.png", pictures.get) == "a cat --init 0123456789ab"
    assert with_hash("a cat --n --init", pictures.get) == "a cat --n --init"
