"""Telling the others who have the tag editor open, once a change is committed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from django.db import transaction

from hub.core.live import send_to_groups
from training.datasets.models.dataset import Dataset

NAMED_AT_MOST = 200


def dataset_group(dataset_id: UUID) -> str:
    """Name of the channel group of everyone who has a dataset open."""
    return f"dataset-{dataset_id}"


def tell_editors(dataset: Dataset, items: Iterable[UUID | str]) -> None:
    """Say which pictures changed, after commit; of very many, only that some did."""
    ids = [str(item) for item in items]
    message = {"type": "dataset.changed", "items": ids if len(ids) <= NAMED_AT_MOST else None}
    transaction.on_commit(partial(send_to_groups, (dataset_group(dataset.pk),), message))
