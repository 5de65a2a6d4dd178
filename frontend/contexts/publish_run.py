"""What the publish page shows: checkpoints to choose from, their samples as covers."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from hub.storage.pictures import picture_url
from training.jobs.models.artifact import ArtifactKind, JobArtifact
from training.jobs.models.job import Job
from training.jobs.queries import artifacts_of
from training.jobs.services.publish import samples_for

COVER_WIDTH = 320


@dataclass(frozen=True, slots=True)
class CheckpointOption:
    """One checkpoint to choose."""

    artifact: JobArtifact
    title: str
    detail: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class CoverOption:
    """One sample that can be a cover."""

    artifact: JobArtifact
    url: str
    alt: str


@dataclass(frozen=True, slots=True)
class PublishContext:
    """`/runs/<number>/publish/`."""

    job: Job
    checkpoints: list[CheckpointOption]
    chosen: JobArtifact | None
    samples: list[CoverOption]


def publish_context(job: Job, *, checkpoint: str) -> PublishContext:
    """The chosen checkpoint (the asked one, the team's pick, else the last) and its samples."""
    artifacts = list(artifacts_of(job, ArtifactKind.CHECKPOINT))
    asked = next((row for row in artifacts if str(row.pk) == checkpoint), None)
    picked = next((row for row in artifacts if row.is_pick), None)
    chosen = asked or picked or (artifacts[-1] if artifacts else None)
    samples = samples_for(chosen) if chosen else []
    return PublishContext(
        job=job,
        checkpoints=[
            CheckpointOption(
                row,
                _("Final") if row.is_final else _("Epoch %d") % row.epoch,
                f"{_('Loss')} {row.loss:.4f}" if row.loss is not None else "",
                row == chosen,
            )
            for row in reversed(artifacts)
        ],
        chosen=chosen,
        samples=[
            CoverOption(row, picture_url(row.blob, COVER_WIDTH), str(row.data.get("prompt", "")))
            for row in samples
        ],
    )
