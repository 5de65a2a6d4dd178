"""Trigger words, in named sets: one set for the face, another for the second outfit."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from models_registry.models.title import spelled
from models_registry.models.version import ModelVersion


class TriggerWordSet(models.Model):
    """Words that are used together; the first set of a version usually has no name."""

    version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="trigger_word_sets"
    )
    name = models.CharField(max_length=60, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("trigger word set")
        verbose_name_plural = _("trigger word sets")
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="word_set_position_once"),
            models.UniqueConstraint(fields=["version", "name"], name="word_set_name_once"),
        ]

    def __str__(self) -> str:
        return self.name or str(self.pk)


class TriggerWord(models.Model):
    """One word or phrase that calls the model up in a prompt."""

    set = models.ForeignKey(TriggerWordSet, on_delete=models.CASCADE, related_name="words")
    text = models.CharField(max_length=300)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("trigger word")
        verbose_name_plural = _("trigger words")
        constraints = [
            models.UniqueConstraint(fields=["set", "position"], name="trigger_word_position_once"),
            models.CheckConstraint(condition=~models.Q(text=""), name="trigger_word_not_empty"),
        ]
        indexes = [models.Index(spelled("text"), name="trigger_word_spelled")]

    def __str__(self) -> str:
        return self.text
