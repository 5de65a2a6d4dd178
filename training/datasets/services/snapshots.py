"""Freezing a dataset for a training run, and laying a snapshot out for the engine."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from django.db import transaction
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Invalid, NotFound
from hub.storage.blobs import ensure_local
from training.datasets.manifest import build_manifest, canonical_json, manifest_sha256
from training.datasets.models.dataset import Dataset
from training.datasets.models.snapshot import Snapshot, SnapshotPicture
from training.datasets.permissions import can_see_dataset
from training.datasets.queries import items_of

MANIFEST_NAME = "manifest.json"


def take_snapshot(*, actor: User, dataset: Dataset) -> Snapshot:
    """The dataset as it is now, for ever; unchanged content gives the snapshot that is there.

    Whoever sees a dataset may train from it. Raises Invalid when it has no picture.
    """
    if not can_see_dataset(actor, dataset):
        raise NotFound(_("There is no such dataset."))
    with transaction.atomic():
        locked = Dataset.objects.select_for_update().get(pk=dataset.pk)
        items = list(items_of(locked))
        if not items:
            raise Invalid(_("This dataset has no pictures. Add some before you train."))
        manifest = build_manifest(locked, items)
        snapshot, made = Snapshot.objects.get_or_create(
            dataset=locked,
            manifest_sha256=manifest_sha256(manifest),
            defaults={"manifest": manifest, "item_count": len(items), "created_by": actor},
        )
        if made:
            SnapshotPicture.objects.bulk_create(
                [SnapshotPicture(snapshot=snapshot, blob=item.blob) for item in items],
                batch_size=2000,
            )
            audit.record(actor=actor, action="dataset.snapshot", target=snapshot)
    return snapshot


def write_manifest(snapshot: Snapshot, folder: Path) -> Path:
    """Lay the snapshot out below `folder`: `manifest.json` and the pictures it names.

    Pictures are hard links where the store allows it. Written last and whole, the manifest is there
    only when all pictures are. Raises FileNotFoundError when the store lost one.
    """
    wanted = {entry["sha256"]: entry["path"] for entry in snapshot.manifest["images"]}
    for picture in snapshot.pictures.select_related("blob"):
        path = PurePosixPath(wanted[picture.blob.sha256])
        ensure_local(picture.blob, folder / path.parent, name=path.name)
    target = folder / MANIFEST_NAME
    partial = folder / f".{MANIFEST_NAME}.partial"
    partial.write_bytes(canonical_json(snapshot.manifest))
    partial.replace(target)
    return target
