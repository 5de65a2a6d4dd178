"""What a preview grid draws: lists of numbers, prompts, checkpoints."""

import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

SEPARATORS = re.compile(r"[,，、;；\s]+")
MOST = 20


class NumberList(forms.CharField):
    """Numbers separated by commas, each once."""

    def __init__(self, *, read: Callable[[str], float], **kwargs: Any) -> None:
        super().__init__(max_length=200, **kwargs)
        self.read = read

    def clean(self, value: Any) -> Any:
        """The numbers in their order."""
        text = super().clean(value)
        try:
            found = [self.read(part) for part in SEPARATORS.split(text) if part]
        except ValueError as error:
            message = _("Write numbers separated by commas, such as 0.6, 0.8, 1.")
            raise forms.ValidationError(message) from error
        return list(dict.fromkeys(found))[:MOST]


class GridForm(forms.Form):
    """The axes of a grid."""

    checkpoints = forms.MultipleChoiceField(
        label=_("Checkpoints"), widget=forms.CheckboxSelectMultiple
    )
    prompts = forms.CharField(
        label=_("Prompts"),
        widget=forms.Textarea({"rows": 3}),
        help_text=_("One a line, kohya's form is understood: prompt --n negative --w 512 --s 20."),
    )
    weights = NumberList(
        label=_("Weights"),
        read=float,
        initial="0.6, 0.8, 1",
        help_text=_("How strongly the file acts, separated by commas."),
    )
    guidances = NumberList(
        label=_("CFG"), read=float, help_text=_("More than one draws the grid for each.")
    )
    seeds = NumberList(
        label=_("Seeds"), read=int, help_text=_("Every cell of a grid has the same seed.")
    )

    def __init__(
        self, *args: Any, choices: list[tuple[str, str]], has_weight: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["checkpoints"].choices = choices  # type: ignore[attr-defined]
        if not has_weight:
            del self.fields["weights"]

    def clean_prompts(self) -> list[str]:
        """The lines that are not empty, each once."""
        lines = (line.strip() for line in self.cleaned_data["prompts"].splitlines())
        return list(dict.fromkeys(line for line in lines if line))[:MOST]
