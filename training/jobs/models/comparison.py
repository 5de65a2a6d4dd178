"""Comparisons: the same prompts and seeds across checkpoints, VAEs, weights; kept with a version.

Asked for from a model's page and drawn by a training worker between two runs; their states are
those of models/drawn.py.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hub.storage.models import Blob
from models_registry.models.version import ModelVersion, versions_for_everyone
from training.jobs.models.drawn import DrawnWork, line_indexes, state_rules
from training.jobs.models.worker_node import WorkerNode


class Comparison(DrawnWork):
    """What is drawn: every prompt and seed in every column.

    `guidance` is CFG; width and height in pixels, empty for the base's own size;
    `min_memory_bytes` is what a worker needs for the largest base.
    """

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="comparisons")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="comparisons"
    )
    prompts = ArrayField(models.TextField())
    negative = models.TextField(blank=True)
    seeds = ArrayField(models.BigIntegerField())
    steps = models.PositiveSmallIntegerField()
    guidance = models.FloatField()
    sampler = models.CharField(max_length=60, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    clip_skip = models.PositiveSmallIntegerField(default=1)
    min_memory_bytes = models.BigIntegerField(default=0)
    worker = models.ForeignKey(
        WorkerNode, on_delete=models.SET_NULL, null=True, blank=True, related_name="comparisons"
    )

    class Meta:
        verbose_name = _("comparison")
        verbose_name_plural = _("comparisons")
        constraints = state_rules("comparison")
        indexes = [
            *line_indexes("comparisons"),
            models.Index(fields=["version", "-created_at", "-id"], name="comparisons_of_version"),
        ]

    def __str__(self) -> str:
        return f"comparison of {self.version_id}"


class ComparisonColumn(models.Model):
    """What one column was drawn with: a checkpoint, perhaps another VAE, perhaps a weight.

    Without a weight the compared version is not applied, unless it is the checkpoint or the VAE
    itself, or an embedding, which has none. Names stay when the versions go.
    """

    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="columns")
    position = models.PositiveSmallIntegerField()
    base = models.ForeignKey(ModelVersion, on_delete=models.SET_NULL, null=True, related_name="+")
    base_name = models.CharField(max_length=220)
    vae = models.ForeignKey(
        ModelVersion, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    vae_name = models.CharField(max_length=220, blank=True)
    is_applied = models.BooleanField(default=False)
    weight = models.FloatField(null=True, blank=True)

    class Meta:
        verbose_name = _("column of a comparison")
        verbose_name_plural = _("columns of comparisons")
        constraints = [
            models.UniqueConstraint(
                fields=["comparison", "position"], name="comparison_column_place_once"
            ),
            models.CheckConstraint(
                condition=Q(is_applied=True) | Q(weight__isnull=True),
                name="comparison_weight_of_what_is_applied",
            ),
        ]

    def __str__(self) -> str:
        return f"column {self.position} of {self.comparison_id}"


class ComparisonCell(models.Model):
    """One picture."""

    FOR_EVERYONE = versions_for_everyone("column__comparison__version__")

    column = models.ForeignKey(ComparisonColumn, on_delete=models.CASCADE, related_name="cells")
    prompt_index = models.PositiveSmallIntegerField()
    seed = models.BigIntegerField()
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="comparison_cells")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("picture of a comparison")
        verbose_name_plural = _("pictures of comparisons")
        constraints = [
            models.UniqueConstraint(
                fields=["column", "prompt_index", "seed"], name="comparison_cell_once"
            ),
        ]

    def __str__(self) -> str:
        return f"cell of {self.column_id}"
