"""A card's history, from the reads to what its page prints."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from frontend.contexts.lists import with_query
from models_registry.card_diff import Piece
from models_registry.card_history import CardChange, FieldChange, card_history
from models_registry.models.model import Model, Viewer

FIELD_LABELS = {
    "name": gettext_lazy("Name"),
    "type": gettext_lazy("Type"),
    "subject": gettext_lazy("Subject"),
    "tags": gettext_lazy("Tags"),
    "visibility": gettext_lazy("Who may see it"),
    "licence": gettext_lazy("Licence"),
    "terms": gettext_lazy("Terms of use"),
    "description": gettext_lazy("About"),
    "team": gettext_lazy("Team"),
    "base_model": gettext_lazy("Base model"),
    "base_model_type": gettext_lazy("Variant of the base"),
    "network_dim": gettext_lazy("Network dim"),
    "network_alpha": gettext_lazy("Network alpha"),
    "epochs": gettext_lazy("Epochs"),
    "training_steps": gettext_lazy("Training steps"),
    "trigger_words": gettext_lazy("Trigger words"),
    "weight": gettext_lazy("Weight"),
    "clip_skip": gettext_lazy("Clip skip"),
    "sampler": gettext_lazy("Sampler"),
    "steps": gettext_lazy("Steps"),
    "cfg_scale": gettext_lazy("CFG scale"),
    "cfg_note": gettext_lazy("What CFG changes"),
    "prompt_advice": gettext_lazy("How to build the prompt"),
    "negative_advice": gettext_lazy("How to build the negative prompt"),
    "resources": gettext_lazy("Goes well with"),
    "examples": gettext_lazy("Example prompts"),
    "checkpoint_type": gettext_lazy("Kind of checkpoint"),
    "width": pgettext_lazy("picture size", "Width"),
    "height": pgettext_lazy("picture size", "Height"),
    "usage_tips": gettext_lazy("Tips"),
    "changelog": gettext_lazy("What is new"),
}


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """One field with the words that came and went."""

    label: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """One change of the card."""

    author: str
    at: datetime
    is_first: bool
    fields: list[FieldDiff]


@dataclass(frozen=True, slots=True)
class HistoryContext:
    """`/models/<slug>/history/`."""

    model: Model
    rows: list[RevisionRow]
    next_url: str


def history_context(*, viewer: Viewer, model: Model, cursor: str) -> HistoryContext:
    """One page of changes, newest first."""
    page = card_history(viewer=viewer, model=model, cursor=cursor or None)
    address = reverse("model_history", args=[model.slug])
    next_url = with_query(address, f"cursor={page.next_cursor}") if page.next_cursor else ""
    return HistoryContext(model, [_row(change) for change in page.items], next_url)


def author_of(change: CardChange) -> str:
    """Who made a change; what is read from files is the hub's own doing."""
    author = change.revision.author
    return author.public_name if author else _("The hub")


def _row(change: CardChange) -> RevisionRow:
    return RevisionRow(
        author=author_of(change),
        at=change.revision.at,
        is_first=change.is_first,
        fields=[FieldDiff(label_of(field), field.pieces) for field in change.changes],
    )


def label_of(change: FieldChange) -> str:
    """The name of a field as the page of the card has it."""
    name = str(FIELD_LABELS.get(change.field, change.field))
    if change.version_index is None:
        return name
    return _("Version %(number)d: %(field)s") % {"number": change.version_index, "field": name}
