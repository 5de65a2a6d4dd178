"""Changes to a dataset as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Invalid, NotAllowed
from hub.core.seen import laid_over
from hub.core.visibility import Visibility
from training.datasets.models.dataset import Dataset
from training.datasets.permissions import can_delete_dataset, require_edit
from training.datasets.services.checks import check_dataset
from training.datasets.services.importing import check_details


@dataclass(frozen=True)
class DatasetDetails:
    """Everything about a dataset that a person types."""

    name: str
    kind: str
    trigger_word: str = ""
    class_prompt: str = ""
    description: str = ""
    resolution: int = 512
    visibility: str = Visibility.TEAM


def update_dataset(
    *,
    actor: User,
    dataset: Dataset,
    details: DatasetDetails,
    seen: Mapping[str, str] = MappingProxyType({}),
) -> Dataset:
    """Change the details; another resolution checks every picture again.

    `seen` are marks of what a page showed. Raises ChangedMeanwhile where others changed the same.
    """
    require_edit(actor, dataset)
    with transaction.atomic():
        locked = Dataset.objects.select_for_update(of=("self",)).get(pk=dataset.pk)
        details = DatasetDetails(**laid_over(locked, asdict(details), seen))
        name = " ".join(details.name.split())
        check_details(name=name, kind=details.kind, resolution=details.resolution)
        if details.visibility not in Visibility.values:
            raise Invalid(_("Choose who may see the dataset."))
        resized = locked.resolution != details.resolution
        locked.name, locked.kind = name, details.kind
        locked.trigger_word = " ".join(details.trigger_word.split())
        locked.class_prompt = details.class_prompt.strip()
        locked.description = details.description
        locked.resolution, locked.visibility = details.resolution, details.visibility
        locked.save(
            update_fields=[
                "name",
                "kind",
                "trigger_word",
                "class_prompt",
                "description",
                "resolution",
                "visibility",
                "updated_at",
            ]
        )
        if resized:
            check_dataset(dataset=locked)
        audit.record(actor=actor, action="dataset.update", target=locked)
    return locked


def delete_dataset(*, actor: User, dataset: Dataset) -> None:
    """Take a dataset out of every list; what was trained from its snapshots keeps them."""
    require_edit(actor, dataset)
    if not can_delete_dataset(actor, dataset):
        raise NotAllowed(_("Only the owner and managers of the team can delete this dataset."))
    with transaction.atomic():
        changed = Dataset.objects.filter(pk=dataset.pk, deleted_at__isnull=True).update(
            deleted_at=timezone.now()
        )
        if changed:
            audit.record(
                actor=actor,
                action="dataset.delete",
                target=dataset,
                detail={"name": dataset.name},
            )
