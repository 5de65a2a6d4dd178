"""Taking files one by one into a dataset: captions, then pictures, a transaction each."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from hub.core.errors import AtelierError
from hub.storage.blobs import store_bytes
from hub.storage.models import Blob
from hub.storage.pictures import PictureFacts, inspect_picture
from training.datasets.caption_files import Caption, caption_of, read_caption
from training.datasets.file_names import (
    FolderMeaning,
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
from training.datasets.services.tags import MAX_TAG_CHARACTERS, MAX_TAGS, write_tags
from training.datasets.sources import Refused, SourceFile
from training.datasets.tag_changes import normal_tags


class Intake:
    """One import in progress: what was read already, and the hashes to compare with."""

    def __init__(self, batch: DatasetImport) -> None:
        self.batch = batch
        self.dataset: Dataset = batch.dataset
        self.done = set(batch.entries.values_list("name", flat=True))
        self.look_alikes = LookAlikes.of(self.dataset)

    def take_all(self, files: Iterable[SourceFile]) -> None:
        """Take every file that has no entry yet."""
        waiting = [file for file in files if file.name not in self.done and not is_junk(file.name)]
        for file in waiting:
            if is_caption(file.name):
                self._take(file, self._take_caption)
        for file in waiting:
            if not is_caption(file.name):
                self._take(file, self._take_picture)

    def _take(self, file: SourceFile, how: Callable[[SourceFile], None]) -> None:
        """Run one kind of intake; a refusal becomes the file's line in the report."""
        try:
            with transaction.atomic():
                how(file)
        except (Refused, UnusablePicture) as verdict:
            self._enter(file.name, verdict.outcome, message=str(verdict))

    def _take_caption(self, file: SourceFile) -> None:
        data = file.read()
        caption = read_caption(data, max_characters=settings.CAPTION_MAX_CHARACTERS)
        key = pair_key(file.name)
        self._lock()
        items = list(
            Item.objects.select_for_update().filter(dataset=self.dataset, pair_key=key).present()
        )
        for item in items:
            self._put_caption(item, caption)
        if items:
            self._enter(file.name, Outcome.CAPTION, item=items[0])
            return
        text = caption.text or ", ".join(caption.tags)
        PendingCaption.objects.update_or_create(
            dataset=self.dataset, pair_key=key, defaults={"text": text}
        )
        self._enter(file.name, Outcome.CAPTION_WAITS)

    def _take_picture(self, file: SourceFile) -> None:
        data = file.read()
        seen = look_at(data, max_pixels=settings.IMAGE_MAX_PIXELS)
        try:
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
        item.save(force_insert=True)
        self.look_alikes.add(item.pk, item.phash)
        self._count_one_more()
        self._put_caption(item, self._caption_for(item, folder))
        return item

    def _caption_for(self, item: Item, folder: FolderMeaning) -> Caption:
        """The waiting caption of the picture, else the words of kohya's folder name."""
        pending = PendingCaption.objects.filter(dataset=self.dataset, pair_key=item.pair_key)
        found = pending.first()
        if found is None:
            return caption_of(folder.words)
        pending.delete()
        waiting = ImportEntry.objects.filter(
            batch__dataset=self.dataset, outcome=Outcome.CAPTION_WAITS
        )
        for entry in waiting:
            if pair_key(entry.name) == item.pair_key:
                entry.outcome, entry.item = Outcome.CAPTION, item
                entry.save(update_fields=["outcome", "item"])
        return caption_of(found.text)

    def _put_caption(self, item: Item, caption: Caption) -> None:
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
        item.save(update_fields=["caption_style", "caption_text", "problems"])
        write_tags({item: tags})

    def _lock(self) -> None:
        """One file at a time per dataset: positions, counts and pairs stay right."""
        locked = Dataset.objects.select_for_update().get(pk=self.dataset.pk)
        self.dataset.item_count = locked.item_count

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
