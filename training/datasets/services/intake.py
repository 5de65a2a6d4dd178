"""Taking files one by one into a dataset: each picture with its caption, then what is left.

A picture and the caption beside it are one transaction, every other file is one of its own.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from hub.core.errors import AtelierError
from hub.storage.blobs import store_bytes
from hub.storage.models import Blob
from hub.storage.picture_part import only_picture_of
from hub.storage.pictures import PictureFacts, inspect_picture
from training.datasets.caption_files import Caption, caption_of, read_caption
from training.datasets.file_names import (
    folder_meaning,
    is_caption,
    is_junk,
    pair_key,
    short_name,
)
from training.datasets.models.dataset import Dataset
from training.datasets.models.importing import DatasetImport, ImportEntry, Note, Outcome
from training.datasets.models.item import CaptionStyle, Item
from training.datasets.models.tag import PendingCaption
from training.datasets.picture import SeenPicture, UnusablePicture, look_at
from training.datasets.services.checks import LookAlikes, problems_of
from training.datasets.services.tags import MAX_TAG_CHARACTERS, MAX_TAGS, add_tags, write_tags
from training.datasets.sources import Refused, SourceFile
from training.datasets.tag_changes import normal_tags


class Intake:
    """One import in progress: what was read already, and the hashes to compare with."""

    def __init__(self, batch: DatasetImport) -> None:
        self.batch = batch
        self.dataset: Dataset = batch.dataset
        self.done = set(batch.entries.values_list("name", flat=True))
        self.look_alikes = LookAlikes.of(self.dataset)
        self.captions: dict[str, SourceFile] = {}
        entries = batch.entries.filter(item__isnull=False).values_list("name", "item_id")
        self.items = {pair_key(name): item_id for name, item_id in entries}

    def take_all(self, files: Iterable[SourceFile]) -> None:
        """Take every file that has no entry yet."""
        waiting = [file for file in files if file.name not in self.done and not is_junk(file.name)]
        captions = [file for file in waiting if is_caption(file.name)]
        self.captions = {pair_key(file.name): file for file in reversed(captions)}
        for file in waiting:
            if not is_caption(file.name):
                self._take(file, self._take_picture)
        for file in captions:
            if file.name not in self.done:
                self._take(file, self._take_caption)

    def _take(self, file: SourceFile, how: Callable[[SourceFile], None]) -> None:
        """Run one kind of intake; a refusal becomes the file's line in the report."""
        try:
            with transaction.atomic():
                how(file)
        except (Refused, UnusablePicture) as verdict:
            self._enter(file.name, verdict.outcome, message=str(verdict))

    def _take_caption(self, file: SourceFile) -> None:
        caption = self._read_caption(file)
        key = pair_key(file.name)
        self._lock()
        # A picture that was here already under another name takes the caption beside it.
        items = self._present(Q(pair_key=key) | Q(pk=self.items.get(key)))
        items = items or self._present(Q(pk__in=self._sent_again_as(file.name)))
        for item in items:
            self._change_caption(item, caption)
        if items:
            self._enter(file.name, Outcome.CAPTION, item=items[0])
            return
        text = caption.text or ", ".join(caption.tags)
        PendingCaption.objects.update_or_create(
            dataset=self.dataset, pair_key=key, defaults={"text": text}
        )
        self._enter(file.name, Outcome.CAPTION_WAITS)

    def _sent_again_as(self, name: str) -> list[UUID]:
        """Pictures that another import found here already under this name, without its ending."""
        key, beginning = pair_key(name), PurePosixPath(name).name.partition(".")[0]
        doubles = ImportEntry.objects.filter(
            batch__dataset=self.dataset,
            outcome=Outcome.DUPLICATE,
            item__isnull=False,
            name__icontains=beginning,
        )
        return [pk for name, pk in doubles.values_list("name", "item_id") if pair_key(name) == key]

    def _present(self, which: Q) -> list[Item]:
        rows = Item.objects.select_for_update().filter(which, dataset=self.dataset)
        return list(rows.present())

    def _change_caption(self, item: Item, caption: Caption) -> None:
        write_tags({item: self._put_caption(item, caption)})
        item.save(update_fields=["caption_style", "caption_text", "problems"])

    def _take_picture(self, file: SourceFile) -> None:
        data = file.read()
        seen = look_at(data, max_pixels=settings.IMAGE_MAX_PIXELS)
        try:
            data = only_picture_of(data)
            facts = inspect_picture(io.BytesIO(data))
        except AtelierError as error:
            raise UnusablePicture(Outcome.BROKEN, error.message) from error
        blob = store_bytes(data, content_type=seen.content_type)
        self._lock()
        known = Item.objects.filter(dataset=self.dataset, blob=blob).first()
        if known is not None:
            self._take_again(file, known)
            return
        if self.dataset.item_count >= settings.DATASET_MAX_ITEMS:
            raise Refused(Outcome.NO_ROOM)
        item = self._add(file, blob, seen, facts)
        self._enter(file.name, Outcome.ADDED, item=item, notes=seen.notes)

    def _take_again(self, file: SourceFile, known: Item) -> None:
        if known.removed_at is None:
            self._enter(file.name, Outcome.DUPLICATE, item=known)
            waits = self._waiting_for(pair_key(file.name))
            if waits is not None:
                self._change_caption(known, caption_of(waits.text))
                self._take_over(waits, known)
            return
        known.removed_at = None
        known.save(update_fields=["removed_at"])
        self._count_one_more()
        self.look_alikes.add(known.pk, known.phash)
        self._enter(file.name, Outcome.ADDED, item=known, notes=(Note.RESTORED,))

    def _add(self, file: SourceFile, blob: Blob, seen: SeenPicture, facts: PictureFacts) -> Item:
        last = Item.objects.filter(dataset=self.dataset).aggregate(last=Max("position"))["last"]
        folder = folder_meaning(file.name)
        item = Item(
            dataset=self.dataset,
            blob=blob,
            filename=short_name(file.name),
            pair_key=pair_key(file.name),
            width=seen.width,
            height=seen.height,
            position=0 if last is None else last + 1,
            repeats=folder.repeats,
            look_alike_of_id=self.look_alikes.find(seen.phash),
            phash=seen.phash,
            average_colour=facts.average_colour,
            placeholder=facts.placeholder,
        )
        beside = self._caption_beside(item)
        waits = self._waiting_for(item.pair_key)
        words = waits.text if waits is not None else folder.words
        tags = self._put_caption(item, beside or caption_of(words))
        item.save(force_insert=True)
        add_tags({item: tags})
        if beside is not None:
            self._enter(self.captions[item.pair_key].name, Outcome.CAPTION, item=item)
        if waits is not None:
            self._take_over(waits, item)
        self.look_alikes.add(item.pk, item.phash)
        self._count_one_more()
        return item

    def _waiting_for(self, key: str) -> PendingCaption | None:
        return PendingCaption.objects.filter(dataset=self.dataset, pair_key=key).first()

    def _caption_beside(self, item: Item) -> Caption | None:
        """What the caption of the same import says; one that cannot be read is told of later."""
        file = self.captions.get(item.pair_key)
        if file is None or file.name in self.done:
            return None
        try:
            return self._read_caption(file)
        except Refused:
            return None

    def _read_caption(self, file: SourceFile) -> Caption:
        return read_caption(file.read(), max_characters=settings.CAPTION_MAX_CHARACTERS)

    def _take_over(self, caption: PendingCaption, item: Item) -> None:
        """A caption that came before its picture, and the lines that told of its wait."""
        key = caption.pair_key
        caption.delete()
        waiting = ImportEntry.objects.filter(
            batch__dataset=self.dataset, outcome=Outcome.CAPTION_WAITS
        )
        theirs = [pk for pk, name in waiting.values_list("pk", "name") if pair_key(name) == key]
        ImportEntry.objects.filter(pk__in=theirs).update(outcome=Outcome.CAPTION, item=item)

    def _put_caption(self, item: Item, caption: Caption) -> list[str]:
        """Fill the columns of the row, which the caller saves; gives its tags."""
        tags = normal_tags(
            (text[:MAX_TAG_CHARACTERS] for text in caption.tags[:MAX_TAGS]),
            trigger_word=self.dataset.trigger_word,
        )
        item.caption_style, item.caption_text = caption.style, caption.text
        item.problems = problems_of(
            item,
            resolution=self.dataset.resolution,
            has_caption=bool(tags or caption.style == CaptionStyle.TEXT),
        )
        return tags

    def _lock(self) -> None:
        """One file at a time per dataset: positions, counts and pairs stay right."""
        rows = Dataset.objects.select_for_update().filter(pk=self.dataset.pk)
        self.dataset.item_count = rows.values_list("item_count", flat=True).get()

    def _count_one_more(self) -> None:
        self.dataset.item_count += 1
        Dataset.objects.filter(pk=self.dataset.pk).update(
            item_count=self.dataset.item_count, updated_at=timezone.now()
        )

    def _enter(
        self,
        name: str,
        outcome: Outcome,
        *,
        item: Item | None = None,
        notes: Iterable[Note] = (),
        message: str = "",
    ) -> None:
        ImportEntry.objects.create(
            batch=self.batch,
            name=name,
            outcome=outcome,
            notes=[str(note) for note in notes],
            item=item,
            message=message,
        )
        self.done.add(name)
        if item is not None:
            self.items[pair_key(name)] = item.pk
