"""Reads of a card's history: its revisions and what each of them changed."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from hub.core.errors import NotAllowed
from hub.core.pagination import keyset
from models_registry.card_diff import Piece, diff_words
from models_registry.models.model import Model, Viewer
from models_registry.models.revision import CardRevision
from models_registry.permissions import can_read_history

PAGE = 20


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that reads differently; `version_index` None is the model's own card."""

    field: str
    version_index: int | None
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class CardChange:
    """One revision with what it changed; the first one changed nothing, it is the beginning."""

    revision: CardRevision
    changes: tuple[FieldChange, ...]
    is_first: bool


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Changes, newest first, and the cursor of older ones."""

    items: tuple[CardChange, ...]
    next_cursor: str | None


def card_history(
    *, viewer: Viewer, model: Model, cursor: str | None = None, limit: int = PAGE
) -> HistoryPage:
    """The newest changes of a card, two queries whatever their number.

    Raises NotAllowed for others than the model's people: old texts may tell what was never public.
    """
    if not can_read_history(viewer, model):
        raise NotAllowed(_("Only the people of this model can read its history."))
    rows = CardRevision.objects.filter(model=model).select_related("author__avatar")
    page = keyset(rows, order=("-pk",), cursor=cursor, limit=limit)
    before = rows.filter(pk__lt=page.items[-1].pk).order_by("-pk").first() if page.items else None
    chain = [*page.items, *([before] if before else [])]
    items = tuple(
        CardChange(
            revision=row,
            changes=changes_between(older.fields if older else {}, row.fields) if older else (),
            is_first=older is None,
        )
        for row, older in zip(page.items, [*chain[1:], None], strict=False)
    )
    return HistoryPage(items, page.next_cursor)


def newest_revision(model_id: int) -> int:
    """Key of the newest revision; 0 for a card that was never changed."""
    newest = CardRevision.objects.filter(model_id=model_id).order_by("-pk")
    return newest.values_list("pk", flat=True).first() or 0


def change_since(model: Model, seen: int) -> CardChange | None:
    """The newest revision with all that differs from the one `seen`; None if there is no newer."""
    rows = CardRevision.objects.filter(model=model, pk__gte=seen).order_by("pk")
    chain = list(rows.select_related("author")[:1]) + list(rows.reverse()[:1])
    if len(chain) < 2 or chain[-1].pk == seen:
        return None
    before, newest = chain
    changes = changes_between(before.fields, newest.fields)
    return CardChange(revision=newest, changes=changes, is_first=False)


def changes_between(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[FieldChange, ...]:
    """Fields that differ, in the order of the card."""
    names = list(dict.fromkeys([*after, *before]))
    return tuple(
        _change(name, before.get(name, ""), after.get(name, ""))
        for name in names
        if before.get(name, "") != after.get(name, "")
    )


def _change(name: str, before: str, after: str) -> FieldChange:
    index, _dot, field = name.rpartition(".")
    pieces = tuple(diff_words(before, after))
    return FieldChange(field=field, version_index=int(index) if index else None, pieces=pieces)
