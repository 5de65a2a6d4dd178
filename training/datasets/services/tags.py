"""Editing captions: one command on any number of pictures is one step of undo."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core.errors import Conflict, Invalid
from training.datasets.models.dataset import Dataset
from training.datasets.models.item import CaptionStyle, Item
from training.datasets.models.tag import CommandKind, ItemTag, TagEdit
from training.datasets.permissions import require_edit
from training.datasets.services.broadcast import tell_editors
from training.datasets.services.checks import refresh_problems
from training.datasets.services.items import one_dataset
from training.datasets.tag_changes import (
    TagChange,
    apply_change,
    change_between,
    normal_tags,
    with_replaced,
    with_tag,
)

MAX_TAG_CHARACTERS = 255
MAX_TAGS = 400
KEPT_EDITS = 500

TagList = list[str]


def set_tags(*, actor: User, item: Item, tags: Iterable[str]) -> TagEdit | None:
    """Give one picture exactly these tags; None when it has them already."""
    wanted = _checked(tags)
    return _edit(actor, [item], CommandKind.SET, lambda _tags: wanted)


def add_tag(
    *, actor: User, items: Sequence[Item], tags: Iterable[str], at_start: bool = False
) -> TagEdit | None:
    """Add tags to every picture that lacks them; None when none did."""
    wanted = _checked(tags)

    def change(before: TagList) -> TagList:
        after = before
        for text in reversed(wanted) if at_start else wanted:
            after = with_tag(after, text, at_start=at_start)
        return after

    return _edit(actor, items, CommandKind.ADD, change)


def add_found_tags(
    *, actor: User, dataset: Dataset, found: Mapping[UUID, Sequence[str]]
) -> TagEdit | None:
    """Add to each picture its own tags, as one step of undo; unfit tags are left out."""
    items = Item.objects.filter(dataset=dataset, pk__in=found).present()
    wanted = {
        item: [text for text in normal_tags(tags) if len(text) <= MAX_TAG_CHARACTERS][:MAX_TAGS]
        for item, tags in found.items()
    }

    def change(item: Item, before: TagList) -> TagList:
        return [*before, *(text for text in wanted[item.pk] if text not in before)][:MAX_TAGS]

    return _edit_each(actor, list(items), CommandKind.ADD, change) if items else None


def remove_tag(*, actor: User, items: Sequence[Item], tags: Iterable[str]) -> TagEdit | None:
    """Take tags off every picture that has them; None when none had."""
    gone = set(_checked(tags))
    return _edit(
        actor,
        items,
        CommandKind.REMOVE,
        lambda before: [text for text in before if text not in gone],
    )


def replace_tag(*, actor: User, items: Sequence[Item], old: str, new: str) -> TagEdit | None:
    """Put one tag in the place of another wherever that is; None when it is nowhere."""
    (wanted,) = _checked([new]) or ("",)
    if not wanted:
        raise Invalid(_("Type the new tag."))
    return _edit(
        actor, items, CommandKind.REPLACE, lambda before: with_replaced(before, old, wanted)
    )


def set_caption_text(*, actor: User, item: Item, text: str) -> TagEdit | None:
    """Give one picture running text as its caption; empty text goes back to its tags."""
    if len(text) > settings.CAPTION_MAX_CHARACTERS:
        raise Invalid(
            _("A caption has at most %s characters. Shorten it.") % settings.CAPTION_MAX_CHARACTERS
        )
    dataset = one_dataset([item])
    require_edit(actor, dataset)
    with transaction.atomic():
        locked = Item.objects.select_for_update().get(pk=item.pk)
        style = CaptionStyle.TEXT if text.strip() else CaptionStyle.TAGS
        change = [locked.caption_style, locked.caption_text, str(style), text.strip()]
        if change[:2] == change[2:]:
            return None
        _put_text(locked, change[2], change[3])
        refresh_problems([locked], resolution=dataset.resolution)
        return _log(actor, dataset, CommandKind.TEXT, [{"item": str(locked.pk), "text": change}])


def undo(*, actor: User, dataset: Dataset) -> TagEdit:
    """Take back the person's own last command. Raises Conflict when there is none."""
    require_edit(actor, dataset)
    with transaction.atomic():
        _lock(dataset)
        edits = TagEdit.objects.filter(dataset=dataset, actor=actor)
        edit = edits.filter(is_undone=False).order_by("-number").first()
        if edit is None:
            raise Conflict(_("There is nothing to undo."))
        _replay(dataset, edit, backwards=True)
    return edit


def redo(*, actor: User, dataset: Dataset) -> TagEdit:
    """Do again what the person took back last. Raises Conflict when there is nothing."""
    require_edit(actor, dataset)
    with transaction.atomic():
        _lock(dataset)
        edits = TagEdit.objects.filter(dataset=dataset, actor=actor)
        edit = edits.filter(is_undone=True).order_by("number").first()
        if edit is None:
            raise Conflict(_("There is nothing to redo."))
        _replay(dataset, edit, backwards=False)
    return edit


def write_tags(lists: dict[Item, TagList]) -> None:
    """Replace the tags of these pictures; three queries whatever their number."""
    ItemTag.objects.filter(item__in=list(lists)).delete()
    add_tags(lists)


def add_tags(lists: dict[Item, TagList]) -> None:
    """Write the tags of pictures that have none."""
    ItemTag.objects.bulk_create(
        [
            ItemTag(item=item, position=position, text=text)
            for item, tags in lists.items()
            for position, text in enumerate(tags)
        ],
        batch_size=2000,
    )


def _edit(
    actor: User,
    items: Sequence[Item],
    kind: CommandKind,
    change: Callable[[TagList], TagList],
) -> TagEdit | None:
    return _edit_each(actor, items, kind, lambda _item, before: change(before))


def _edit_each(
    actor: User,
    items: Sequence[Item],
    kind: CommandKind,
    change: Callable[[Item, TagList], TagList],
) -> TagEdit | None:
    dataset = one_dataset(items)
    require_edit(actor, dataset)
    with transaction.atomic():
        _lock(dataset)
        before = _locked_lists([item.pk for item in items])
        after: dict[Item, TagList] = {}
        records: list[dict[str, Any]] = []
        for item, tags in before.items():
            wanted = normal_tags(change(item, tags), trigger_word=dataset.trigger_word)
            difference = change_between(tags, wanted)
            if difference:
                after[item] = wanted
                records.append(_record(item, difference))
        if not records:
            return None
        write_tags(after)
        refresh_problems(list(after), resolution=dataset.resolution)
        return _log(actor, dataset, kind, records)


def _replay(dataset: Dataset, edit: TagEdit, *, backwards: bool) -> None:
    records = {record["item"]: record for record in edit.changes}
    after: dict[Item, TagList] = {}
    for item, tags in _locked_lists(list(records)).items():
        record = records[str(item.pk)]
        if "text" in record:
            _put_text(item, *record["text"][:2] if backwards else record["text"][2:])
        change = _change(record)
        after[item] = apply_change(tags, change.reversed() if backwards else change)
    write_tags(after)
    refresh_problems(list(after), resolution=dataset.resolution)
    edit.is_undone = backwards
    edit.save(update_fields=["is_undone"])
    Dataset.objects.filter(pk=dataset.pk).update(updated_at=timezone.now())
    tell_editors(dataset, records)


def _locked_lists(ids: Sequence[Any]) -> dict[Item, TagList]:
    items = Item.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("id")
    lists: dict[UUID, tuple[Item, TagList]] = {item.pk: (item, []) for item in items}
    rows = ItemTag.objects.filter(item__in=lists).order_by("item_id", "position")
    for item_id, text in rows.values_list("item_id", "text"):
        lists[item_id][1].append(text)
    return dict(lists.values())


def _log(
    actor: User, dataset: Dataset, kind: CommandKind, records: list[dict[str, Any]]
) -> TagEdit:
    _lock(dataset)
    edits = TagEdit.objects.filter(dataset=dataset)
    edits.filter(actor=actor, is_undone=True).delete()
    number = (edits.aggregate(last=Max("number"))["last"] or 0) + 1
    edits.filter(actor=actor, number__lte=number - KEPT_EDITS).delete()
    Dataset.objects.filter(pk=dataset.pk).update(updated_at=timezone.now())
    tell_editors(dataset, (record["item"] for record in records))
    return TagEdit.objects.create(
        dataset=dataset,
        actor=actor,
        number=number,
        kind=kind,
        changes=records,
        item_count=len(records),
    )


def _lock(dataset: Dataset) -> None:
    Dataset.objects.select_for_update().get(pk=dataset.pk)


def _record(item: Item, change: TagChange) -> dict[str, Any]:
    return {
        "item": str(item.pk),
        "removed": [list(placed) for placed in change.removed],
        "added": [list(placed) for placed in change.added],
    }


def _change(record: dict[str, Any]) -> TagChange:
    return TagChange(
        removed=tuple((place, text) for place, text in record.get("removed", [])),
        added=tuple((place, text) for place, text in record.get("added", [])),
    )


def _put_text(item: Item, style: str, text: str) -> None:
    item.caption_style, item.caption_text = style, text
    item.save(update_fields=["caption_style", "caption_text"])


def _checked(tags: Iterable[str]) -> TagList:
    wanted = normal_tags(tags)
    if len(wanted) > MAX_TAGS or any(len(text) > MAX_TAG_CHARACTERS for text in wanted):
        raise Invalid(
            _("A picture has at most %(count)s tags of %(length)s characters each.")
            % {"count": MAX_TAGS, "length": MAX_TAG_CHARACTERS}
        )
    return wanted
