"""Shapes of what the dataset pages are sent."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from frontend.forms.seen import SeenForm
from hub.core.errors import Invalid
from hub.core.visibility import Visibility
from training.datasets.models.dataset import MAX_RESOLUTION, MIN_RESOLUTION, Kind

COMMANDS = (
    "add",
    "remove",
    "replace",
    "set",
    "text",
    "undo",
    "redo",
    "delete",
    "restore",
    "repeats",
)


class DatasetForm(forms.Form):
    """What is known of a dataset before its pictures."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    kind = forms.ChoiceField(
        label=gettext_lazy("What the pictures show"), choices=Kind.choices, initial=Kind.CHARACTER
    )
    trigger_word = forms.CharField(
        label=gettext_lazy("Trigger word"),
        max_length=80,
        required=False,
        help_text=gettext_lazy(
            "A made-up word that calls the result up later, such as yuki_ns. Training puts "
            "it first in every caption."
        ),
    )
    class_prompt = forms.CharField(
        label=gettext_lazy("Class"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("What kind of thing it is, in plain words: a girl, an owl."),
    )
    resolution = forms.IntegerField(
        label=gettext_lazy("Training size in pixels"),
        min_value=MIN_RESOLUTION,
        max_value=MAX_RESOLUTION,
        help_text=gettext_lazy(
            "The native size of the base model: 512 for SD 1.5, 1024 for SDXL, 128 for the bundled "
            "tiny base. Pictures are checked against it."
        ),
    )


class DatasetEditForm(SeenForm, DatasetForm):
    """Everything that can be changed later."""

    description = forms.CharField(
        label=gettext_lazy("Notes"), required=False, widget=forms.Textarea({"rows": 3})
    )
    visibility = forms.ChoiceField(label=gettext_lazy("Who may see it"), choices=Visibility.choices)


@dataclass(frozen=True, slots=True)
class TagCommand:
    """One step of the tag editor, on any number of pictures."""

    kind: str
    items: tuple[uuid.UUID, ...] = ()
    tags: tuple[str, ...] = ()
    old: str = ""
    new: str = ""
    text: str = ""
    repeats: int = 1


def read_command(body: bytes) -> TagCommand:
    """The command in a request body; raises Invalid for anything else."""
    try:
        data = json.loads(body)
        return TagCommand(
            kind=_one_of(data["kind"]),
            items=tuple(uuid.UUID(item) for item in data.get("items", [])),
            tags=tuple(_text(tag) for tag in data.get("tags", [])),
            old=_text(data.get("old", "")),
            new=_text(data.get("new", "")),
            text=_text(data.get("text", "")),
            repeats=_number(data.get("repeats", 1)),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Invalid(_("The change could not be read. Reload the page.")) from error


def read_ids(text: str) -> list[uuid.UUID]:
    """Ids with commas between them; raises Invalid for anything else."""
    try:
        return [uuid.UUID(part) for part in text.split(",")]
    except ValueError as error:
        raise Invalid(_("The change could not be read. Reload the page.")) from error


def _one_of(kind: Any) -> str:
    if kind not in COMMANDS:
        raise ValueError(kind)
    return str(kind)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(value)
    return value
