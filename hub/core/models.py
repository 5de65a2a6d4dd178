"""Abstract bases and the audit trail."""

from collections.abc import Collection
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models.base import ModelState
from django.utils.translation import gettext_lazy as _

from hub.core.ids import uuid7


class QuickRow(models.Model):
    """A row that is read in one step; Django sets column by column, which takes ten times as long.

    A list of 100 models reads some 1,500 rows of 20 to 45 columns. Signals before and after are not
    sent: nothing here listens to them, and a picture field, which would, must not stand in a row.
    """

    class Meta:
        abstract = True

    @classmethod
    def from_db(  # type: ignore[override]  # the stubs know a later Django's `fetch_mode`
        cls, db: str | None, field_names: Collection[str], values: Collection[Any]
    ) -> Self:
        """A row of the database; columns that were not asked for are loaded when they are read."""
        row = cls.__new__(cls)
        row._state = ModelState()
        row._state.adding = False
        row._state.db = db
        row.__dict__.update(zip(field_names, values, strict=True))
        return row


class TimeStamped(QuickRow):
    """When a row was made and last changed, UTC."""

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class AuditEvent(models.Model):
    """One change of state by a person, written in the transaction that makes it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="audit_events",
    )
    action = models.CharField(max_length=80)
    target_type = models.CharField(max_length=80)
    target_id = models.CharField(max_length=64)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("entry of the audit log")
        verbose_name_plural = _("entries of the audit log")
        indexes = [
            models.Index(fields=["target_type", "target_id", "at"], name="audit_by_target"),
            models.Index(fields=["actor", "at"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_type} {self.target_id}"
