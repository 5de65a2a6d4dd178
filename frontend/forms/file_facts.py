"""What is said of a file, as its form sends it; what the bytes tell cannot be chosen."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from models_registry.models.file import (
    PRECISIONS,
    EmaWeights,
    FileFormat,
    FileKind,
    ModelFile,
    SizeKind,
)
from models_registry.services.file_facts import FileFacts, ToldFacts
from models_registry.services.findings import UNTOLD_FORMATS

UNKNOWN = ("", pgettext_lazy("a fact of a file", "Not known"))


class FileFactsForm(forms.Form):
    """Kind, format, precision and which weights are in it."""

    kind = forms.ChoiceField(
        label=_("What the file is for"),
        choices=FileKind.choices,
        help_text=_("Another choice has the file checked again."),
    )
    size_kind = forms.ChoiceField(
        label=_("Weights"), choices=[UNKNOWN, *SizeKind.choices], required=False
    )
    ema = forms.ChoiceField(
        label=_("EMA weights"), choices=[UNKNOWN, *EmaWeights.choices], required=False
    )
    precision = forms.ChoiceField(
        label=_("Precision"),
        choices=[UNKNOWN, *((name, name) for name in PRECISIONS)],
        required=False,
    )
    format = forms.ChoiceField(
        label=_("Format"),
        choices=[(value, FileFormat(value).label) for value in UNTOLD_FORMATS],
        required=False,
    )

    @classmethod
    def of(cls, file: ModelFile, posted: Any = None) -> "FileFactsForm":
        """The form with what is said now; fields that the bytes answer are left out."""
        now, told = FileFacts.of(file), ToldFacts.of(file)
        names = ("kind", "format", "precision", "size_kind", "ema")
        form = cls(posted, initial={name: getattr(now, name) for name in names})
        if told.format:
            del form.fields["format"]
        if told.precision:
            del form.fields["precision"]
        if told.has_ema:
            del form.fields["ema"], form.fields["size_kind"]
        return form

    def facts(self, file: ModelFile) -> FileFacts:
        """What the form says, and what is said now where it has no field."""
        now, data = FileFacts.of(file), self.cleaned_data
        return FileFacts(
            kind=data["kind"],
            format=data.get("format") or now.format,
            precision=data.get("precision", now.precision),
            size_kind=data.get("size_kind", now.size_kind),
            ema=data.get("ema", now.ema),
        )
