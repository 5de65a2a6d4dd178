"""Shapes of what the model pages are sent: filters in the address, a new model, a review."""

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from frontend.forms.sent_files import SentFilesForm
from hub.accounts.models import Team
from hub.accounts.queries import teams_worked_in
from models_registry.filters import ModelFilters, Scope, Sort
from models_registry.models.base_model import BaseModel
from models_registry.models.file import PRECISIONS, FileFormat
from models_registry.models.model import CommercialUse, ModelType, Subject, Viewer
from models_registry.models.terms import LicenceName, ModelVisibility
from models_registry.queries import base_models
from models_registry.searching import MAX_QUERY_CHARACTERS

WEIGHTS: dict[str, Any] = {
    "min_value": Decimal(-4),
    "max_value": Decimal(4),
    "decimal_places": 2,
}


class ModelListForm(forms.Form):
    """The query string of the model list; every field may be missing."""

    q = forms.CharField(max_length=MAX_QUERY_CHARACTERS, required=False)
    scope = forms.ChoiceField(choices=[(s.value, s.value) for s in Scope], required=False)
    sort = forms.ChoiceField(choices=[(s.value, s.value) for s in Sort], required=False)
    type = forms.MultipleChoiceField(choices=ModelType.choices, required=False)
    subject = forms.MultipleChoiceField(choices=Subject.choices, required=False)
    base = forms.MultipleChoiceField(required=False)
    tag = forms.MultipleChoiceField(required=False)
    by = forms.CharField(max_length=150, required=False)
    verified = forms.BooleanField(required=False)
    trained = forms.BooleanField(required=False)
    format = forms.MultipleChoiceField(choices=FileFormat.choices, required=False)
    precision = forms.MultipleChoiceField(choices=[(p, p) for p in PRECISIONS], required=False)
    licence = forms.MultipleChoiceField(choices=LicenceName.choices, required=False)
    commercial = forms.MultipleChoiceField(choices=CommercialUse.choices, required=False)
    unseen = forms.BooleanField(required=False)
    cursor = forms.CharField(max_length=400, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("base", "tag"):  # any name may be asked for; an unknown one finds nothing
            asked = self.data.getlist(name) if hasattr(self.data, "getlist") else []
            self.fields[name].choices = [(value, value) for value in asked]  # type: ignore[attr-defined]

    def filters(self, *, team: Team | None) -> ModelFilters:
        """The cleaned filters; `team` is the one the person works in."""
        data = self.cleaned_data
        return ModelFilters(
            query=data["q"],
            types=tuple(data["type"]),
            base_models=tuple(dict.fromkeys(data["base"])),
            subjects=tuple(data["subject"]),
            tags=tuple(dict.fromkeys(data["tag"])),
            username=data["by"],
            scope=Scope(data["scope"] or Scope.EVERYONE),
            team=team,
            verified=data["verified"],
            trained_here=data["trained"],
            formats=tuple(data["format"]),
            precisions=tuple(data["precision"]),
            licences=tuple(data["licence"]),
            commercial_uses=tuple(data["commercial"]),
            unseen=data["unseen"],
        )

    @property
    def sort_order(self) -> Sort | None:
        """The chosen order, or None for the list's own."""
        return Sort(self.cleaned_data["sort"]) if self.cleaned_data["sort"] else None


class VersionFacts(forms.Form):
    """What a new version says before anything else: base, words, weight."""

    base_model = forms.ModelChoiceField(
        label=_("Base model"),
        queryset=BaseModel.objects.none(),
        to_field_name="name",
        empty_label=_("Choose one"),
    )
    trigger_words = forms.CharField(
        label=_("Trigger words"),
        required=False,
        help_text=_("Separated by commas. Words found in the file are filled in for you."),
    )
    weight_min = forms.DecimalField(label=_("Least weight"), required=False, **WEIGHTS)
    weight = forms.DecimalField(label=_("Recommended weight"), required=False, **WEIGHTS)
    weight_max = forms.DecimalField(label=_("Most weight"), required=False, **WEIGHTS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["base_model"].queryset = base_models()  # type: ignore[attr-defined]

    def clean_trigger_words(self) -> tuple[str, ...]:
        """Words split at Latin and Chinese commas."""
        return split_words(self.cleaned_data["trigger_words"])


class NewVersionForm(SentFilesForm, VersionFacts):
    """The next version of a model with its files."""

    name = forms.CharField(label=_("Name of the version"), max_length=80)
    changelog = forms.CharField(
        label=_("What is new"),
        required=False,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("Markdown."),
    )
    field_order = ("name", "base_model", "trigger_words", "weight_min", "weight", "weight_max")


class ModelForm(VersionFacts):
    """The card of a model and its first version."""

    name = forms.CharField(label=_("Name"), max_length=120)
    type = forms.ChoiceField(label=_("Type"), choices=ModelType.choices, initial=ModelType.LORA)
    subject = forms.ChoiceField(
        label=_("Subject"), choices=[("", _("Not said")), *Subject.choices], required=False
    )
    tags = forms.CharField(label=_("Tags"), required=False, help_text=_("Separated by commas."))
    description = forms.CharField(
        label=_("About"),
        required=False,
        widget=forms.Textarea({"rows": 6}),
        help_text=_("Markdown. How to use it, what it is good at, where it fails."),
    )
    visibility = forms.ChoiceField(
        label=_("Who may see it"),
        choices=ModelVisibility.choices,
        initial=ModelVisibility.PUBLIC,
    )
    licence = forms.ChoiceField(
        label=_("Licence"), choices=[("", _("Not said")), *LicenceName.choices], required=False
    )
    team = forms.ModelChoiceField(
        label=_("Team"), queryset=Team.objects.none(), required=False, empty_label=_("No team")
    )

    field_order = ("name", "type", "base_model", "subject", "trigger_words")

    def __init__(self, *args: Any, viewer: Viewer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = teams_worked_in(viewer)  # type: ignore[attr-defined]

    def clean_tags(self) -> tuple[str, ...]:
        """Tags split at Latin and Chinese commas."""
        return split_words(self.cleaned_data["tags"])


class UploadModelForm(SentFilesForm, ModelForm):
    """New models with the files that were sent before."""

    separate = forms.BooleanField(
        label=_("Make a model of its own of each file"),
        required=False,
        help_text=_("Otherwise they are files of one version, the first one its main file."),
    )


def split_words(text: str) -> tuple[str, ...]:
    """Non-empty parts of a list that people type."""
    return tuple(part.strip() for part in re.split(r"[,，、\n]", text) if part.strip())
