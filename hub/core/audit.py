"""Who changed what: rows written in the same transaction as the change."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models

from hub.core.models import AuditEvent


def record(
    *,
    actor: AbstractBaseUser | None,
    action: str,
    target: models.Model,
    detail: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Write one audit row; needs the caller's transaction. `actor` None means the hub itself."""
    return AuditEvent.objects.create(
        actor_id=actor.pk if actor is not None else None,
        action=action,
        target_type=target._meta.label_lower,
        target_id=str(target.pk),
        detail=dict(detail or {}),
    )
