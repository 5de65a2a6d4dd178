"""Preview grids: one prompt and seed under several checkpoints and weights, to choose by eye.

Their states are those of models/drawn.py.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hub.core.ids import uuid7
from hub.storage.models import Blob
from training.jobs.models.artifact import JobArtifact
from training.jobs.models.drawn import DrawnWork, line_indexes, state_rules
from training.jobs.models.job import Job
from training.jobs.models.worker_node import WorkerNode


class PreviewGrid(DrawnWork):
    """What is drawn: every prompt under every checkpoint and weight, for each CFG and seed.

    `total_cells` counts the pictures, with one of the base alone for each prompt, CFG and seed.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="grids")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="preview_grids"
    )
    checkpoints = models.ManyToManyField(JobArtifact, related_name="grids")
    prompts = ArrayField(models.TextField())
    weights = ArrayField(models.FloatField())
    guidances = ArrayField(models.FloatField())
    seeds = ArrayField(models.BigIntegerField())
    worker = models.ForeignKey(
        WorkerNode, on_delete=models.SET_NULL, null=True, blank=True, related_name="grids"
    )

    class Meta:
        verbose_name = _("preview grid")
        verbose_name_plural = _("preview grids")
        constraints = state_rules("grid")
        indexes = line_indexes("grids")

    def __str__(self) -> str:
        return f"grid of {self.job_id}"


class GridCell(models.Model):
    """One picture; without a checkpoint it shows the base alone, and then has no weight."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    grid = models.ForeignKey(PreviewGrid, on_delete=models.CASCADE, related_name="cells")
    prompt_index = models.PositiveIntegerField()
    checkpoint = models.ForeignKey(
        JobArtifact, on_delete=models.CASCADE, null=True, blank=True, related_name="grid_cells"
    )
    weight = models.FloatField(null=True, blank=True)
    guidance = models.FloatField()
    seed = models.BigIntegerField()
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="grid_cells")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("picture of a preview grid")
        verbose_name_plural = _("pictures of preview grids")
        constraints = [
            models.UniqueConstraint(
                fields=["grid", "prompt_index", "checkpoint", "weight", "guidance", "seed"],
                nulls_distinct=False,
                name="grid_cell_once",
            ),
            models.CheckConstraint(
                condition=Q(checkpoint__isnull=False) | Q(weight__isnull=True),
                name="grid_cell_of_the_base_has_no_weight",
            ),
        ]

    def __str__(self) -> str:
        return f"cell of {self.grid_id}"
