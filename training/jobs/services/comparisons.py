"""Comparisons on a model's page: asked for by a person, drawn by a worker, kept with a version."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Conflict, NotAllowed
from hub.storage.blobs import store_path
from models_registry.models.version import ModelVersion
from training.jobs.models.comparison import Comparison, ComparisonCell, ComparisonColumn
from training.jobs.models.drawn import GridState
from training.jobs.models.worker_node import WorkerNode
from training.jobs.permissions import can_change_comparison
from training.jobs.services.comparison_wish import (
    DRAWING_BYTES,
    Column,
    ComparisonWish,
    check_wish,
    columns_of,
    family_of,
)
from training.jobs.services.drawing_line import DrawingLine
from training.jobs.services.lifecycle import wake_workers

COMPARISONS = DrawingLine(Comparison)


def request_comparison(*, actor: User, version: ModelVersion, wish: ComparisonWish) -> Comparison:
    """Put a comparison in line. Raises Invalid for what cannot be drawn, Conflict beyond the limit.

    The actor must be allowed to download every file that it takes.
    """
    columns = columns_of(version, wish)
    check_wish(actor, version, wish, columns)
    with transaction.atomic():
        _check_room(actor)
        comparison = Comparison.objects.create(
            version=version,
            requested_by=actor,
            prompts=[prompt.strip() for prompt in wish.prompts],
            negative=wish.negative.strip(),
            seeds=list(wish.seeds),
            steps=wish.steps,
            guidance=wish.guidance,
            sampler=wish.sampler[:60],
            width=wish.width,
            height=wish.height,
            clip_skip=wish.clip_skip,
            total_cells=len(columns) * len(wish.prompts) * len(wish.seeds),
            min_memory_bytes=max(DRAWING_BYTES[family_of(column.base)] for column in columns),
        )
        ComparisonColumn.objects.bulk_create(
            _column_row(comparison, at, column) for at, column in enumerate(columns)
        )
        audit.record(actor=actor, action="comparison.request", target=comparison)
        wake_workers()
    return comparison


def cancel_comparison(*, actor: User, comparison: Comparison) -> None:
    """Draw no more; the pictures that are there stay. Twice is as once."""
    _require_change(actor, comparison)
    with transaction.atomic():
        if COMPARISONS.cancel(comparison):
            audit.record(actor=actor, action="comparison.cancel", target=comparison)


def retry_comparison(*, actor: User, comparison: Comparison) -> None:
    """Draw the pictures that a failed or canceled one lacks. Raises Conflict otherwise."""
    _require_change(actor, comparison)
    with transaction.atomic():
        _check_room(actor)
        COMPARISONS.retry(comparison)
        audit.record(actor=actor, action="comparison.retry", target=comparison)


def delete_comparison(*, actor: User, comparison: Comparison) -> None:
    """Take it off the model's page, with its pictures."""
    _require_change(actor, comparison)
    with transaction.atomic():
        detail = {"version": comparison.version_id}
        audit.record(actor=actor, action="comparison.delete", target=comparison, detail=detail)
        comparison.delete()


def claim_next_comparison(*, worker: WorkerNode) -> Comparison | None:
    """The next one that fits, now RUNNING under a lease: of whom has fewest running, the oldest."""
    fitting = COMPARISONS.waiting().filter(min_memory_bytes__lte=worker.memory_bytes)
    running = (
        Comparison.objects.filter(requested_by=OuterRef("requested_by"), state=GridState.RUNNING)
        .order_by()
        .values("requested_by")
        .annotate(count=Count("pk"))
        .values("count")
    )
    counted = Coalesce(Subquery(running, output_field=IntegerField()), 0)
    order = fitting.annotate(running=counted).order_by("running", "created_at", "id")
    claimed = COMPARISONS.claim(order, worker)
    if claimed is None:
        return None
    return Comparison.objects.select_related("version__model").get(pk=claimed)


def record_comparison_cell(
    *, comparison_id: UUID, attempt: int, column_id: int, prompt_index: int, seed: int, path: Path
) -> ComparisonCell:
    """Keep a picture; one that is there stays. Raises LeaseLost."""
    blob = store_path(path, content_type="image/png")
    with transaction.atomic():
        COMPARISONS.note_picture(comparison_id, attempt)
        cell, _made = ComparisonCell.objects.get_or_create(
            column_id=column_id, prompt_index=prompt_index, seed=seed, defaults={"blob": blob}
        )
    return cell


def _check_room(actor: User) -> None:
    User.objects.select_for_update(of=("self",)).get(pk=actor.pk)
    waiting = COMPARISONS.waiting().filter(requested_by=actor).count()
    if waiting >= settings.PERSON_MAX_QUEUED_COMPARISONS:
        raise Conflict(
            _("You have %s comparisons in line already. Wait for one, or cancel one.") % waiting,
            code="line_full",
        )


def _require_change(actor: User, comparison: Comparison) -> None:
    if not can_change_comparison(actor, comparison):
        raise NotAllowed(_("Only who asked for a comparison and the people of the model do this."))


def _column_row(comparison: Comparison, position: int, column: Column) -> ComparisonColumn:
    return ComparisonColumn(
        comparison=comparison,
        position=position,
        base=column.base,
        base_name=_name(column.base),
        vae=column.vae,
        vae_name=_name(column.vae) if column.vae else "",
        is_applied=column.is_applied,
        weight=column.weight,
    )


def _name(version: ModelVersion) -> str:
    return f"{version.model.name} {version.name}"
