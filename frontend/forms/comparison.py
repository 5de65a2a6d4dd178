"""What a comparison draws: checkpoints, VAEs, weights, prompts, and the settings they share."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from frontend.forms.grid import MOST, NumberList
from frontend.forms.model_card import side_field, text_area
from models_registry.models.version import ModelVersion
from training.jobs.services.comparison_wish import (
    CLIP_SKIP_RANGE,
    MAX_PROMPT_CHARACTERS,
    STEPS_RANGE,
    ComparisonWish,
)
from training.jobs.services.ranges import GUIDANCE_RANGE

OWN_VAE = "own"
Choices = Mapping[str, ModelVersion]


class ComparisonForm(forms.Form):
    """The axes of a comparison; `checkpoints` and `vaes` are versions by their ids."""

    bases = forms.MultipleChoiceField(
        label=_("Checkpoints"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one checkpoint.")},
    )
    vaes = forms.MultipleChoiceField(
        label="VAE", widget=forms.CheckboxSelectMultiple, required=False
    )
    weights = NumberList(
        label=_("Weights"), read=float, help_text=_("Separated by commas, such as 0.6, 0.8, 1.")
    )
    with_plain = forms.BooleanField(
        label=_("Also without it, to see what it changes"), required=False, initial=True
    )
    prompts = forms.CharField(
        label=_("Prompts"), widget=text_area(3), help_text=_("One a line, the words only.")
    )
    negative = forms.CharField(
        label=_("Negative prompt"),
        required=False,
        max_length=MAX_PROMPT_CHARACTERS,
        widget=text_area(2),
    )
    seeds = NumberList(label=_("Seeds"), read=int, help_text=_("Each column has the same seeds."))
    steps = forms.IntegerField(label=_("Steps"), min_value=STEPS_RANGE[0], max_value=STEPS_RANGE[1])
    guidance = forms.FloatField(
        label=_("CFG scale"), min_value=GUIDANCE_RANGE[0], max_value=GUIDANCE_RANGE[1]
    )
    sampler = forms.CharField(label=_("Sampler"), required=False, max_length=60)
    clip_skip = forms.IntegerField(
        label=_("Clip skip"), min_value=CLIP_SKIP_RANGE[0], max_value=CLIP_SKIP_RANGE[1]
    )
    width = side_field(pgettext_lazy("picture size", "Width"))
    height = side_field(pgettext_lazy("picture size", "Height"))

    def __init__(
        self, *args: Any, checkpoints: Choices, vaes: Choices, has_weight: bool, is_applied: bool,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        self.known = {**checkpoints, **vaes}
        self.fields["bases"].choices = _choices(checkpoints)  # type: ignore[attr-defined]
        own = [(OWN_VAE, _("The one of the checkpoint"))]
        self.fields["vaes"].choices = [*own, *_choices(vaes)]  # type: ignore[attr-defined]
        unused = {"vaes": not vaes, "weights": not has_weight, "with_plain": not is_applied}
        for name in (name for name, is_unused in unused.items() if is_unused):
            del self.fields[name]

    def clean_prompts(self) -> list[str]:
        """The lines that are not empty, each once."""
        lines = (line.strip() for line in self.cleaned_data["prompts"].splitlines())
        return list(dict.fromkeys(line for line in lines if line))[:MOST]

    def wish(self) -> ComparisonWish:
        """What the service takes."""
        data = self.cleaned_data
        shared = ("prompts", "negative", "seeds", "steps", "guidance", "sampler", "clip_skip")
        vaes = data.get("vaes") or [OWN_VAE]
        return ComparisonWish(
            bases=[self.known[key] for key in data["bases"]],
            vaes=[None if key == OWN_VAE else self.known[key] for key in vaes],
            weights=data.get("weights", [1.0]),
            with_plain=data.get("with_plain", False),
            width=data["width"],
            height=data["height"],
            **{name: data[name] for name in shared},
        )


def _choices(versions: Choices) -> list[tuple[str, str]]:
    return [(key, f"{row.model.name} {row.name}") for key, row in versions.items()]
