"""The training wizard: choices in the address, settings on top of a preset."""

from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from frontend.forms.sample_prompts import FindPicture, line_problem, with_hash
from frontend.forms.train_advanced import (
    GROUPS,
    PLAIN_GROUPS,
    SETTINGS,
    field_of,
    may_be_empty,
    put,
    settings_of,
    shown_value,
)
from training.engine.config.prompt_lines import kept_lines
from training.engine.presets.preset import epochs_between_checkpoints
from training.jobs.models.job import Method

PROMPT_LIMIT = 8
# The trainer's own words for the fields below.
KEYS = {
    "epochs": "epochs",
    "batch_size": "batch_size",
    "learning_rate": "learning_rate",
    "network_dim": "network.dim",
    "network_alpha": "network.alpha",
    "resolution": "resolution",
    "seed": "seed",
}


def no_picture(_name: str) -> None:
    """Where there is no dataset to start from."""


class SettingsForm(forms.Form):
    """The settings people change most; each names the trainer's own key."""

    name = forms.CharField(label=_("Name of the run"), max_length=120)
    sample_prompts = forms.CharField(
        label=_("Sample prompts"),
        required=False,
        widget=forms.Textarea({"rows": 4}),
        help_text=_(
            "One a line, kohya's form is understood: prompt --n negative --w 512 --h 512 --s 20. "
            "Each epoch draws them with the same seed. --hr 2 asks for the hires fix (--hd "
            "denoising, --hs steps, --hu upscaler); --init picture.png starts from a picture of "
            "the dataset (--dn denoising, --mask 25,25,75,75 paints only this part of it, in "
            "percent). &lt;lora:name:0.7&gt; adds a LoRA that you may use and that fits the base, "
            "by the name of its file; your own and your team's embeddings act by their words."
        ),
    )
    epochs = forms.IntegerField(
        label=_("Epochs"),
        min_value=1,
        max_value=10_000,
        help_text=_("How often every picture, with its repeats, is shown."),
    )
    batch_size = forms.IntegerField(
        label=pgettext_lazy("training", "Batch"),
        min_value=1,
        max_value=256,
        help_text=_("Pictures in one step; more needs more memory."),
    )
    learning_rate = forms.CharField(
        label=_("Learning rate"),
        max_length=200,
        help_text=_(
            "Higher learns faster and breaks sooner. A list such as 0.005:100, 1e-3:1000 changes "
            "it by step."
        ),
    )
    network_dim = forms.IntegerField(
        label=_("Network dim"),
        min_value=1,
        max_value=512,
        required=False,
        help_text=_("Rank of the LoRA: more holds more, and more of what is wrong."),
    )
    network_alpha = forms.FloatField(
        label=_("Network alpha"),
        min_value=0.01,
        max_value=1024,
        required=False,
        help_text=_("Strength is alpha divided by dim."),
    )
    resolution = forms.IntegerField(
        label=_("Resolution"),
        min_value=64,
        max_value=2048,
        help_text=_("The native size of the base model, in pixels."),
    )
    seed = forms.IntegerField(
        label=_("Seed"),
        min_value=0,
        max_value=2**63 - 1,
        help_text=_("The same seed and settings give the same file."),
    )

    def __init__(
        self, *args: Any, method: str, find_picture: FindPicture = no_picture, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.find_picture = find_picture
        self.settings = tuple(settings_of(method))
        for name, key in KEYS.items():
            self.fields[name].key = key  # type: ignore[attr-defined]
        if method != Method.LORA:
            del self.fields["network_dim"], self.fields["network_alpha"]
        self.fields.update({setting.name: field_of(setting) for setting in self.settings})

    def groups(self) -> list[tuple[Promise, list[forms.BoundField]]]:
        """Everything but name and prompts, by group, the plain fields first."""
        group_of = PLAIN_GROUPS | {setting.name: setting.group for setting in self.settings}
        rows = [
            (title, [self[name] for name in self.fields if group_of.get(name) == group])
            for group, title in GROUPS.items()
        ]
        return [(title, fields) for title, fields in rows if fields]

    def clean_sample_prompts(self) -> list[str]:
        """Prompt lines without the empty ones; ValidationError naming each line that is wrong."""
        lines = self.cleaned_data["sample_prompts"].splitlines()
        problems = [
            _("Line %(n)d: %(problem)s") % {"n": number, "problem": problem}
            for number, line in enumerate(lines, 1)
            if kept_lines([line]) and (problem := line_problem(line, self.find_picture))
        ]
        found = kept_lines(lines)
        if len(found) > PROMPT_LIMIT:
            problems.append(
                _("At most %(n)d prompts: every epoch draws them all.") % {"n": PROMPT_LIMIT}
            )
        if problems:
            raise forms.ValidationError(problems)
        return [with_hash(line, self.find_picture) for line in found]

    def clean_learning_rate(self) -> float | str:
        """A number, or A1111's list as text."""
        text = self.cleaned_data["learning_rate"].strip()
        try:
            return float(text)
        except ValueError:
            return str(text)

    def overlay(self, config: dict[str, Any]) -> dict[str, Any]:
        """The preset's settings with the form's on top."""
        data = self.cleaned_data
        merged = dict(config)
        for key in ("epochs", "batch_size", "learning_rate", "resolution", "seed"):
            merged[key] = data[key]
        if data["epochs"] != config.get("epochs"):  # a shorter run is looked at more often
            every = epochs_between_checkpoints(data["epochs"])
            merged.update(save_every_epochs=every, sample_every_epochs=every)
        self._put_rarer(merged, config)
        merged["sample_prompts"] = data["sample_prompts"]
        if data.get("network_dim"):
            network = dict(merged.get("network") or {})
            network["dim"] = data["network_dim"]
            network["alpha"] = data.get("network_alpha") or None
            merged["network"] = network
        return merged

    def _put_rarer(self, merged: dict[str, Any], config: dict[str, Any]) -> None:
        """Write what differs from the preset; the rest stays as the preset says or leaves open."""
        for setting in self.settings:
            is_empty = self.data.get(setting.name, "") == ""
            if setting.name not in self.data or (is_empty and not may_be_empty(setting)):
                continue
            value, usual = self.cleaned_data[setting.name], shown_value(setting, config)
            if value != ("" if usual is None and isinstance(value, str) else usual):
                put(setting, merged, value)

    @staticmethod
    def initial_of(config: dict[str, Any], *, name: str, prompts: list[str]) -> dict[str, Any]:
        """What the fields show for a preset's settings."""
        network = config.get("network") or {}
        return {
            "name": name,
            "sample_prompts": "\n".join(prompts),
            "epochs": config.get("epochs", 10),
            "batch_size": config.get("batch_size", 2),
            "learning_rate": config.get("learning_rate", 1e-4),
            "network_dim": network.get("dim", 16),
            "network_alpha": network.get("alpha"),
            "resolution": config.get("resolution", 512),
            "seed": config.get("seed", 42),
            **{setting.name: shown_value(setting, config) for setting in SETTINGS},
        }
