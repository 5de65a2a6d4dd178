"""The lists of the edit page: sets of trigger words, what goes well with it, example prompts.

Each row is a small form; the rows that are left empty at their first field are not kept, so that
emptying one takes it away. "One more" sends the page back with another empty row and saves nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from frontend.forms.model_card import TextField, cfg_field, side_field, text_area
from frontend.forms.models import WEIGHTS
from models_registry.models.cover import VersionCover
from models_registry.models.model import Viewer
from models_registry.models.recommendation import ResourceKind
from models_registry.models.version import ModelVersion
from models_registry.services.recommendations import MAX_EXAMPLES, MAX_RESOURCES
from models_registry.services.values import Example, Resource, WordSet
from models_registry.version_lookup import page_address, version_meant

MAX_SETS = 30
BIGGEST_SEED = 2**53 - 1
EXAMPLE_FACTS = ("sampler", "steps", "cfg_scale", "seed", "clip_skip", "weight", "width", "height")


class Row(forms.Form):
    """A row counts when its first field is filled; other fields alone are a mistake."""

    key = ""
    key_missing = _("Fill this in, or empty the whole row.")

    def has_changed(self) -> bool:
        """Whether it is more than an empty row below the saved ones.

        One that is like a saved row is: it was sent by a page that is older than the saved one.
        """
        return super().has_changed() or bool(self.data.get(self.add_prefix(self.key)))

    def clean(self) -> dict[str, Any]:
        """Say what is missing where only the rest of a row is filled."""
        data = super().clean() or {}
        rest = [name for name in self.changed_data if name != self.key and data.get(name)]
        if rest and not data.get(self.key) and self.key not in self.errors:
            self.add_error(self.key, self.key_missing)
        return data

    @property
    def is_kept(self) -> bool:
        """Whether there is something to save."""
        return bool(self.cleaned_data.get(self.key))


class WordSetRow(Row):
    """Trigger words that are used together."""

    key = "words"
    words = TextField(
        label=_("Trigger words"),
        required=False,
        widget=text_area(2),
        help_text=_("One a line; a line with commas is kept and copied as a whole."),
    )
    name = forms.CharField(
        label=_("Name of the set"),
        max_length=60,
        required=False,
        help_text=_("Such as Winter outfit. The words without a name come first."),
    )

    def value(self) -> WordSet:
        """What the service takes."""
        name = self.cleaned_data["name"].strip()
        return WordSet(words=tuple(self.cleaned_data["words"].splitlines()), name=name)


class ResourceRow(Row):
    """Another model that goes well with this one."""

    key = "model"
    model = forms.CharField(
        label=_("Model"),
        max_length=300,
        required=False,
        help_text=_("Its name, or the address of its page here. What is on this hub is linked."),
        widget=forms.TextInput({"list": "known-models"}),
    )
    kind = forms.ChoiceField(
        label=pgettext_lazy("recommended resource", "Used as"), choices=ResourceKind.choices
    )
    weight = forms.DecimalField(label=_("Weight"), required=False, **WEIGHTS)

    def clean(self) -> dict[str, Any]:
        """The kind of an empty row is only the first of the list, so it says nothing."""
        return forms.Form.clean(self) or {}

    def value(self, viewer: Viewer) -> Resource:
        """What the service takes; a model that is here is linked."""
        data = self.cleaned_data
        meant = version_meant(viewer, data["model"])
        name = f"{meant.model.name} {meant.name}" if meant else data["model"]
        return Resource(kind=data["kind"], name=name[:160], version=meant, weight=data["weight"])


class ExampleRow(Row):
    """A prompt with the settings and the picture that it made."""

    key = "prompt"
    prompt = TextField(label=_("Prompt"), required=False, widget=text_area(3))
    negative = TextField(label=_("Negative prompt"), required=False, widget=text_area(2))
    cover = forms.TypedChoiceField(label=_("Picture"), required=False, coerce=int, empty_value=None)
    sampler = forms.CharField(label=_("Sampler"), max_length=60, required=False)
    steps = forms.IntegerField(label=_("Steps"), required=False, min_value=1, max_value=1000)
    cfg_scale = cfg_field(_("CFG scale"))
    seed = forms.IntegerField(label=_("Seed"), required=False, min_value=0, max_value=BIGGEST_SEED)
    clip_skip = forms.IntegerField(label=_("Clip skip"), required=False, min_value=1, max_value=12)
    weight = forms.DecimalField(label=_("Weight"), required=False, **WEIGHTS)
    width = side_field(pgettext_lazy("picture size", "Width"))
    height = side_field(pgettext_lazy("picture size", "Height"))
    note = forms.CharField(label=_("Note"), required=False, max_length=2000)

    def __init__(self, *args: Any, covers: Sequence[VersionCover] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.covers = {cover.pk: cover for cover in covers}
        numbered = [(str(pk), _("Picture %d") % at) for at, pk in enumerate(self.covers, 1)]
        self.fields["cover"].choices = [("", _("None")), *numbered]  # type: ignore[attr-defined]

    def value(self) -> tuple[Example, VersionCover | None]:
        """What the service takes."""
        data = self.cleaned_data
        facts = {name: data[name] for name in EXAMPLE_FACTS}
        example = Example(
            prompt=data["prompt"], negative=data["negative"], note=data["note"], **facts
        )
        return example, self.covers.get(data["cover"])


def word_sets(version: ModelVersion, posted: Any) -> Any:
    """Rows of the trigger words."""
    rows = _in_order(version.trigger_word_sets.all())
    initial = [
        {"name": row.name, "words": "\n".join(word.text for word in _in_order(row.words.all()))}
        for row in rows
    ]
    return _rows(WordSetRow, "words", posted, initial, most=MAX_SETS)


def resources(version: ModelVersion, posted: Any) -> Any:
    """Rows of what goes well with it; a linked one stands there as its address."""
    initial = [
        {"model": _resource_text(row), "kind": row.kind, "weight": row.weight}
        for row in version.recommended_resources.all()
    ]
    return _rows(ResourceRow, "resources", posted, initial, most=MAX_RESOURCES)


def examples(version: ModelVersion, posted: Any) -> Any:
    """Rows of the example prompts."""
    facts = ("prompt", "negative", "note", *EXAMPLE_FACTS)
    initial = [
        {name: getattr(row, name) for name in facts} | {"cover": row.cover_id}
        for row in version.example_prompts.all()
    ]
    covers = list(version.covers.all())
    return _rows(ExampleRow, "examples", posted, initial, most=MAX_EXAMPLES, covers=covers)


def _rows(
    row: type[Row],
    prefix: str,
    posted: Any,
    initial: list[dict[str, Any]],
    *,
    most: int,
    **more: Any,
) -> Any:
    """A formset whose rows may all be left empty; one empty row follows those that are saved."""
    formset = forms.formset_factory(row, extra=1, max_num=most, validate_max=True)
    data = _one_more(prefix, posted)
    return formset(data, initial=initial, prefix=prefix, form_kwargs=more)


def _one_more(prefix: str, posted: Any) -> Any:
    if posted is None or posted.get("more") != prefix:
        return posted
    total = posted.get(f"{prefix}-TOTAL_FORMS", "0")
    count = int(total) + 1 if total.isascii() and total.isdigit() and len(total) < 10 else 1
    changed = posted.copy()
    changed[f"{prefix}-TOTAL_FORMS"] = str(count)
    return changed


def _in_order(rows: Iterable[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: (row.position, row.pk))


def _resource_text(row: Any) -> str:
    linked = row.resource_version
    return page_address(linked) if linked is not None else row.name
