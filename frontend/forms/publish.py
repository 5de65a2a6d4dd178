"""The publish page: words, weight, covers and who may see it."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from frontend.forms.models import WEIGHTS, split_words
from hub.core.visibility import Visibility


def weight_of(text: str) -> str:
    """A weight in an address, as the field shows it; "" for anything that is none."""
    try:
        return str(forms.DecimalField(**WEIGHTS).clean(text))
    except forms.ValidationError:
        return ""


class PublishForm(forms.Form):
    """Everything the registry needs that the run does not know."""

    name = forms.CharField(label=_("Name"), max_length=120)
    trigger_words = forms.CharField(
        label=_("Trigger words"),
        required=False,
        help_text=_("Separated by commas. The dataset's own word stands first."),
    )
    weight_min = forms.DecimalField(label=_("Least weight"), required=False, **WEIGHTS)
    weight = forms.DecimalField(
        label=_("Recommended weight"), required=False, initial=Decimal("0.8"), **WEIGHTS
    )
    weight_max = forms.DecimalField(label=_("Most weight"), required=False, **WEIGHTS)
    description = forms.CharField(
        label=_("About"),
        required=False,
        widget=forms.Textarea({"rows": 5}),
        help_text=_("Markdown. How to use it, what it is good at, where it fails."),
    )
    visibility = forms.ChoiceField(
        label=_("Who may see it"), choices=Visibility.choices, initial=Visibility.PUBLIC
    )

    def __init__(self, *args: Any, has_weight: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_weight:
            for name in ("weight_min", "weight", "weight_max"):
                del self.fields[name]

    def clean_trigger_words(self) -> tuple[str, ...]:
        """Words split at Latin and Chinese commas."""
        return split_words(self.cleaned_data["trigger_words"])
