"""What a worker draws between two runs for somebody who waits: states and lease of such work.

from      to         by
--------  ---------  ---------------------------------------------------------
(new)     QUEUED     somebody asks for it
QUEUED    RUNNING    a worker claims it: attempt + 1, lease taken
QUEUED    CANCELED   a person takes it back
RUNNING   DONE       every picture is there
RUNNING   FAILED     it cannot be made, or too many attempts made no picture
RUNNING   CANCELED   a person takes it back; the pictures that are there stay
RUNNING   QUEUED     the worker was lost or left
FAILED    QUEUED     a person tries again; the pictures that are there stay
CANCELED  QUEUED     the same

Every change is a conditional UPDATE in services/drawing_line.py.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hub.core.ids import uuid7


class GridState(models.TextChoices):
    """Where drawn work stands; the table is in this module's docstring."""

    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Drawing")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELED = "canceled", _("Canceled")


class DrawnWork(models.Model):
    """Abstract: `total_cells` counts the pictures; a lease is held only while it is drawn.

    A subclass has `requested_by` and `worker`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    total_cells = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=GridState, default=GridState.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    fruitless_attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_params = models.JSONField(default=dict, blank=True)
    error_message = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def is_live(self) -> bool:
        """Whether more pictures may come."""
        return self.state in (GridState.QUEUED, GridState.RUNNING)


def state_rules(name: str) -> list[models.BaseConstraint]:
    """The rules of every table of drawn work: known states, a lease only while it is drawn."""
    running = Q(state=GridState.RUNNING)
    return [
        models.CheckConstraint(condition=Q(state__in=GridState.values), name=f"{name}_state_known"),
        models.CheckConstraint(
            condition=(running & Q(lease_until__isnull=False))
            | (~running & Q(lease_until__isnull=True)),
            name=f"{name}_lease_only_while_running",
        ),
    ]


def line_indexes(name: str) -> list[models.Index]:
    """Partial indexes of what is polled: the line, and the leases."""
    return [
        models.Index(
            fields=["created_at", "id"],
            condition=Q(state=GridState.QUEUED),
            name=f"{name}_in_line",
        ),
        models.Index(
            fields=["lease_until"],
            condition=Q(state=GridState.RUNNING),
            name=f"{name}_by_lease",
        ),
    ]
