"""The wizard's settings on top of a preset's."""

from typing import Any

from frontend.forms.train import SettingsForm
from training.engine.presets import preset


def form_for(config: dict[str, Any], **changes: Any) -> SettingsForm:
    initial = SettingsForm.initial_of(config, name="yuki", prompts=["yuki"])
    filled = {name: "" if value is None else value for name, value in initial.items()}
    form = SettingsForm({**filled, **changes}, method="lora")
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
