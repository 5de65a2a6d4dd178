"""Tags of pictures, and the log of commands that makes undo possible."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hub.core.ids import uuid7
from training.datasets.models.dataset import Dataset
from training.datasets.models.item import Item


class ItemTag(models.Model):
    """One tag at its place in the caption of a picture."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="tags")
    position = models.PositiveIntegerField()
    text = models.CharField(max_length=255)

    class Meta:
        verbose_name = _("tag of a picture")
        verbose_name_plural = _("tags of pictures")
        constraints = [
            models.UniqueConstraint(fields=["item", "text"], name="tag_once_per_item"),
            models.UniqueConstraint(
                fields=["item", "position"],
                name="tag_place_once_per_item",
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]
        indexes = [models.Index(fields=["text", "item"], name="items_of_tag")]

    def __str__(self) -> str:
        return self.text


class PendingCaption(models.Model):
    """A caption file that came before its picture; taken over when the picture arrives."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="pending_captions")
    pair_key = models.CharField(max_length=255)
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("caption to be read")
        verbose_name_plural = _("captions to be read")
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "pair_key"], name="one_pending_caption_per_key"
            )
        ]

    def __str__(self) -> str:
        return self.pair_key


class CommandKind(models.TextChoices):
    """What a person did, in the words of the undo button."""

    SET = "set", _("Edit tags")
    ADD = "add", _("Add a tag")
    REMOVE = "remove", _("Remove a tag")
    REPLACE = "replace", _("Replace a tag")
    TEXT = "text", _("Edit the caption")


class TagEdit(models.Model):
    """One command on any number of pictures; undo and redo work per person and per command.

    `changes` is a list of {"item", "removed": [[place, tag]], "added": [[place, tag]], "text":
    [style, text, new style, new text] or absent}; `places` of removed tags count in the list
    before the command, those of added tags in the list after it. Only tags that the command touched
    are written back, so the edits of two people do not overwrite each other.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="tag_edits")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tag_edits"
    )
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=CommandKind)
    changes = models.JSONField()
    item_count = models.PositiveIntegerField()
    is_undone = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("change of tags")
        verbose_name_plural = _("changes of tags")
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "number"], name="tag_edit_number_once_per_dataset"
            )
        ]
        indexes = [
            models.Index(fields=["dataset", "actor", "-number"], name="tag_edits_to_undo"),
            models.Index(
                fields=["dataset", "actor", "number"],
                condition=Q(is_undone=True),
                name="tag_edits_to_redo",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.number}"
