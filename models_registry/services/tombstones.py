"""Deleting the files of what was published: name, hashes, trigger words and the reason stay."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Conflict, Invalid, NotAllowed
from models_registry.models.file import ModelFile
from models_registry.models.model import PUBLIC_STATES, Model, Status
from models_registry.models.tombstone import Tombstone, TombstoneFile, TombstoneHash
from models_registry.models.version import ModelVersion
from models_registry.permissions import can_edit_model
from models_registry.services.columns import check_length
from models_registry.services.counters import refresh_facts
from models_registry.services.drafts import lock_model


def delete_files(*, actor: User, version: ModelVersion, reason: str) -> Tombstone:
    """Turn a published or archived version into a tombstone; this cannot be taken back.

    The stored bytes go with the garbage collector's grace period. A model without another public
    version becomes a tombstone, too: no list shows it, its address does.
    """
    if not can_edit_model(actor, version.model):
        raise NotAllowed(_("Only the people of this model can delete its files."))
    reason = check_length(reason.strip())
    if not reason:
        raise Invalid(_("Say why the files are deleted: others will read it."), code="no_reason")
    with transaction.atomic():
        lock_model(version.model_id)
        _bury(version)
        tombstone = Tombstone.objects.create(version=version, reason=reason, removed_by=actor)
        hashes = _keep_names(tombstone)
        version.files.all().delete()
        _bury_model(version.model_id)
        refresh_facts(model_id=version.model_id)
        audit.record(
            actor=actor,
            action="version.delete_files",
            target=version,
            detail={"reason": reason, "sha256": hashes},
        )
    version.refresh_from_db()
    return tombstone


def _bury(version: ModelVersion) -> None:
    changed = ModelVersion.objects.filter(pk=version.pk, status__in=PUBLIC_STATES).update(
        status=Status.TOMBSTONE, updated_at=timezone.now()
    )
    if changed != 1:
        raise Conflict(
            _("Only what is published leaves something behind. Delete a draft as a whole instead."),
            code="not_published",
        )


def _bury_model(model_id: int) -> None:
    if not ModelVersion.objects.filter(model_id=model_id, status__in=PUBLIC_STATES).exists():
        Model.objects.filter(pk=model_id, status__in=PUBLIC_STATES).update(
            status=Status.TOMBSTONE, updated_at=timezone.now()
        )


def _keep_names(tombstone: Tombstone) -> list[str]:
    """Copy names, sizes and hashes of the files; returns their SHA-256 for the record."""
    files = (
        ModelFile.objects.filter(version_id=tombstone.pk)
        .select_related("blob")
        .prefetch_related("hashes")
        .order_by("-is_primary", "pk")
    )
    kept = []
    for file in files:
        row = TombstoneFile.objects.create(
            tombstone=tombstone,
            name=file.name,
            kind=file.kind,
            format=file.format,
            size_bytes=file.size_bytes,
            was_clean=file.is_clean,
        )
        TombstoneHash.objects.bulk_create(
            TombstoneHash(file=row, kind=found.kind, value=found.value)
            for found in file.hashes.all()
        )
        kept.append(file.blob.sha256)
    return kept
