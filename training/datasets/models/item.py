"""One picture of a dataset: the original stays as it came, everything else is numbers and words."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from hub.core.ids import uuid7
from hub.storage.models import Blob
from training.datasets.models.dataset import Dataset


class Problem(models.TextChoices):
    """What a check found; none of them stops a training run."""

    TOO_SMALL = "too_small", _("Too small")
    LOOK_ALIKE = "look_alike", _("Look-alike")
    NO_TAGS = "no_tags", _("No tags")


class CaptionStyle(models.TextChoices):
    """Whether the caption is a list of tags or running text."""

    TAGS = "tags", _("Tags")
    TEXT = "text", _("Text")


class ItemQuerySet(models.QuerySet["Item"]):
    """Vocabulary of picture lists."""

    def present(self) -> ItemQuerySet:
        """Leave out removed pictures."""
        return self.filter(removed_at__isnull=True)

    def with_problem(self, problem: str) -> ItemQuerySet:
        """Those in which a check found `problem`."""
        return self.filter(problems__contains=[problem])

    def tagged(self, *tags: str) -> ItemQuerySet:
        """Those that carry every one of `tags`."""
        found = self
        for text in tags:
            found = found.filter(pk__in=self.model.objects.filter(tags__text=text).values("pk"))
        return found

    def not_tagged(self, *tags: str) -> ItemQuerySet:
        """Those that carry none of `tags`."""
        return self.exclude(pk__in=self.model.objects.filter(tags__text__in=tags).values("pk"))


class Item(models.Model):
    """A picture; width, height and crop are pixels after the EXIF orientation was applied.

    `phash` is the perceptual hash (perceptual_hash.py); `pair_key` finds the caption file that
    belongs to the picture. A removed picture stays in the table, so that it can come back.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="items")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="dataset_items")
    filename = models.CharField(max_length=255)
    pair_key = models.CharField(max_length=255)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    crop_x = models.PositiveIntegerField(null=True, blank=True)
    crop_y = models.PositiveIntegerField(null=True, blank=True)
    crop_width = models.PositiveIntegerField(null=True, blank=True)
    crop_height = models.PositiveIntegerField(null=True, blank=True)
    repeats = models.PositiveIntegerField(default=1)
    problems = ArrayField(
        models.CharField(max_length=12, choices=Problem), default=list, blank=True
    )
    look_alike_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="look_alikes"
    )
    phash = models.BigIntegerField()
    average_colour = models.CharField(max_length=7, blank=True)
    placeholder = models.TextField(blank=True)
    caption_style = models.CharField(max_length=4, choices=CaptionStyle, default=CaptionStyle.TAGS)
    caption_text = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = ItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("picture of a dataset")
        verbose_name_plural = _("pictures of datasets")
        constraints = [
            models.UniqueConstraint(fields=["dataset", "blob"], name="picture_once_per_dataset"),
            models.CheckConstraint(condition=Q(width__gt=0, height__gt=0), name="item_has_a_size"),
            models.CheckConstraint(condition=Q(repeats__gte=1), name="item_repeats_at_least_1"),
            models.CheckConstraint(
                condition=Q(
                    crop_x__isnull=True,
                    crop_y__isnull=True,
                    crop_width__isnull=True,
                    crop_height__isnull=True,
                )
                | Q(
                    crop_width__gte=1,
                    crop_height__gte=1,
                    crop_x__lte=F("width") - F("crop_width"),
                    crop_y__lte=F("height") - F("crop_height"),
                ),
                name="item_crop_inside_the_picture",
            ),
        ]
        indexes = [
            models.Index(
                fields=["dataset", "position", "id"],
                condition=Q(removed_at__isnull=True),
                name="item_order",
            ),
            models.Index(fields=["dataset", "pair_key"], name="item_by_pair_key"),
            GinIndex(fields=["problems"], name="item_problems"),
        ]

    def __str__(self) -> str:
        return self.filename

    @property
    def crop(self) -> tuple[int, int, int, int] | None:
        """The crop as (x, y, width, height), or None for the whole picture."""
        if self.crop_width is None:
            return None
        return (self.crop_x or 0, self.crop_y or 0, self.crop_width, self.crop_height or 0)

    @property
    def tag_texts(self) -> list[str]:
        """Tags in order; costs a query unless `tags` was prefetched."""
        return [tag.text for tag in sorted(self.tags.all(), key=lambda tag: tag.position)]

    @property
    def caption(self) -> str:
        """The whole caption as training reads it."""
        if self.caption_style == CaptionStyle.TEXT:
            return self.caption_text
        return ", ".join(self.tag_texts)
