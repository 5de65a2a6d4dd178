"""Preview grids: one prompt and seed under several checkpoints and weights, to choose by eye.

from      to         by
--------  ---------  ---------------------------------------------------------
(new)     QUEUED     request_grid
QUEUED    RUNNING    a worker claims it: attempt + 1, lease taken
QUEUED    CANCELED   a person takes it back
RUNNING   DONE       every cell is there
RUNNING   FAILED     it cannot be made, or too many attempts made no picture
RUNNING   CANCELED   a person takes it back; the cells that are there stay
RUNNING   QUEUED     the worker was lost or left
FAILED    QUEUED     a person tries again; the cells that are there stay
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
from training.jobs.models.job import Job
from training.jobs.models.worker_node import WorkerNode


class GridState(models.TextChoices):
    """Where a grid stands; the table is in this module's docstring."""

    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Drawing")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELED = "canceled", _("Canceled")


class PreviewGrid(models.Model):
    """What is drawn: every prompt under every checkpoint and weight, for each CFG and seed.

    `total_cells` counts the pictures, with one of the base alone for each prompt, CFG and seed.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="grids")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="preview_grids"
    )
    checkpoints = models.ManyToManyField(JobArtifact, related_name="grids")
    prompts = ArrayField(models.TextField())
    weights = ArrayField(models.FloatField())
    guidances = ArrayField(models.FloatField())
    seeds = ArrayField(models.BigIntegerField())
    total_cells = models.PositiveIntegerField()

    state = models.CharField(max_length=8, choices=GridState, default=GridState.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    fruitless_attempts = models.PositiveIntegerField(default=0)
    worker = models.ForeignKey(
        WorkerNode, on_delete=models.SET_NULL, null=True, blank=True, related_name="grids"
    )
    lease_until = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_params = models.JSONField(default=dict, blank=True)
    error_message = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=GridState.values), name="grid_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state=GridState.RUNNING, lease_until__isnull=False)
                | (~Q(state=GridState.RUNNING) & Q(lease_until__isnull=True)),
                name="grid_lease_only_while_running",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at", "id"],
                condition=Q(state=GridState.QUEUED),
                name="grids_in_line",
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(state=GridState.RUNNING),
                name="grids_by_lease",
            ),
        ]

    def __str__(self) -> str:
        return f"grid of {self.job_id}"

    @property
    def is_live(self) -> bool:
        """Whether more cells may come."""
        return self.state in (GridState.QUEUED, GridState.RUNNING)


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
