"""Files of a run: bytes into the store first, then the row, the event and the engine's number."""

from __future__ import annotations

import mimetypes
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core.errors import Invalid
from hub.storage.blobs import store_path
from hub.storage.models import Blob
from training.engine.events import Checkpointed, Previewed
from training.jobs.models.artifact import ArtifactKind, JobArtifact
from training.jobs.models.event import EventKind
from training.jobs.models.job import Job
from training.jobs.permissions import require_control
from training.jobs.services.events import (
    NewEvent,
    append_events,
    fresh_events,
    instant,
    lock_attempt,
    lock_job,
    note_progress,
)

UNKNOWN_TYPE = "application/octet-stream"


def record_file(
    job_id: UUID,
    attempt: int,
    event: Checkpointed | Previewed,
    *,
    run_dir: Path,
    run_folder: UUID,
) -> JobArtifact | None:
    """Keep a file that the engine wrote; None when it was taken before.

    Raises LeaseLost for an attempt that lost the job, FileNotFoundError when the file is gone.
    """
    blob = _store(run_dir / event.path, sha256=getattr(event, "sha256", "") or None)
    with transaction.atomic():
        job = lock_attempt(job_id, attempt)
        if not fresh_events(job, [event], run_folder=run_folder):
            return None
        artifact, _made = JobArtifact.objects.update_or_create(
            job=job, name=event.path, defaults={"blob": blob, **_columns(event)}
        )
        append_events(job, [NewEvent(EventKind.ARTIFACT, describe(artifact), instant(event))])
        note_progress(job, [event], run_folder=run_folder)
    return artifact


def record_state_file(job_id: UUID, attempt: int, path: Path) -> JobArtifact:
    """Keep the resumable state where other machines can fetch it; the one before is let go."""
    return _keep_plain(job_id, attempt, path, kind=ArtifactKind.STATE, name="state.safetensors")


def record_log(job_id: UUID, attempt: int, path: Path) -> JobArtifact:
    """Keep the trainer's log of an attempt."""
    return _keep_plain(job_id, attempt, path, kind=ArtifactKind.LOG, name=f"log-{attempt:03d}.txt")


def pick_checkpoint(*, actor: User, artifact: JobArtifact, picked: bool = True) -> JobArtifact:
    """Mark the checkpoint that people chose, or take the mark away; one a job."""
    require_control(actor, artifact.job)
    if artifact.kind != ArtifactKind.CHECKPOINT:
        raise Invalid(_("Only a checkpoint can be picked."))
    with transaction.atomic():
        lock_job(artifact.job_id)
        JobArtifact.objects.filter(job_id=artifact.job_id, is_pick=True).update(is_pick=False)
        artifact.is_pick = picked
        artifact.save(update_fields=["is_pick"])
    return artifact


def describe(artifact: JobArtifact) -> dict[str, Any]:
    """What an event says about a file."""
    return {
        "id": str(artifact.pk),
        "kind": artifact.kind,
        "name": artifact.name,
        "sha256": artifact.blob.sha256,
        "content_type": artifact.blob.content_type,
        "size_bytes": artifact.blob.size_bytes,
        "epoch": artifact.epoch,
        "step": artifact.step,
        "prompt_index": artifact.prompt_index,
        "loss": artifact.loss,
        "is_final": artifact.is_final,
        **{
            key: artifact.data[key]
            for key in ("prompt", "seed", "width", "height")
            if key in artifact.data
        },
    }


def _columns(event: Checkpointed | Previewed) -> dict[str, Any]:
    data = {
        key: value
        for key, value in asdict(event).items()
        if key not in ("sequence", "at", "path", "epoch", "step", "loss", "final", "prompt_index")
    }
    if isinstance(event, Checkpointed):
        return {
            "kind": ArtifactKind.CHECKPOINT,
            "epoch": event.epoch,
            "step": event.step,
            "loss": event.loss,
            "is_final": event.final,
            "data": data,
        }
    return {
        "kind": ArtifactKind.SAMPLE,
        "epoch": event.epoch,
        "step": event.step,
        "prompt_index": event.prompt_index,
        "data": data,
    }


def _keep_plain(
    job_id: UUID, attempt: int, path: Path, *, kind: ArtifactKind, name: str
) -> JobArtifact:
    blob = _store(path)
    with transaction.atomic():
        job: Job = lock_attempt(job_id, attempt)
        artifact, _made = JobArtifact.objects.update_or_create(
            job=job,
            name=name,
            defaults={"blob": blob, "kind": kind, "step": job.step, "epoch": job.epoch},
        )
    return artifact


def _store(path: Path, *, sha256: str | None = None) -> Blob:
    content_type = mimetypes.guess_type(path.name)[0] or UNKNOWN_TYPE
    return store_path(path, content_type=content_type, sha256=sha256)
