"""The samples of a run as a table: a row for each prompt, a column for each epoch."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from hub.storage.pictures import picture_url
from training.jobs.models.artifact import ArtifactKind, JobArtifact
from training.jobs.models.job import Job
from training.jobs.queries import artifacts_of, sample_rows

SAMPLE_WIDTH = 320


@dataclass(frozen=True, slots=True)
class Sample:
    """One cell: a picture, or the box that waits for it."""

    key: str
    url: str = ""
    thumbnail_url: str = ""
    alt: str = ""
    is_pick: bool = False


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One prompt and its pictures by epoch."""

    prompt: str
    cells: list[Sample]


@dataclass(frozen=True, slots=True)
class SampleTable:
    """All samples; `pick` is the epoch of the checkpoint that somebody starred."""

    epochs: list[int]
    rows: list[SampleRow]
    pick: int | None = None


def sample_table(job: Job) -> SampleTable:
    """The table with a box for every sample that is still to come; two queries."""
    made = sample_rows(job)
    epochs = _epochs(job, made)
    if not epochs:
        return SampleTable([], [])
    picked = artifacts_of(job, ArtifactKind.CHECKPOINT).filter(is_pick=True).first()
    pick = picked.epoch if picked else None
    prompts = dict(enumerate(_prompts(job)))
    for number, artifacts in made.items():
        prompts[number] = str(artifacts[-1].data.get("prompt") or prompts.get(number, ""))
    rows = []
    for number in sorted(prompts):
        by_epoch = {artifact.epoch: artifact for artifact in made.get(number, [])}
        cells = [
            _cell(f"s-{number}-{epoch}", by_epoch.get(epoch), prompts[number], epoch == pick)
            for epoch in epochs
        ]
        rows.append(SampleRow(prompts[number], cells))
    return SampleTable(epochs, rows, pick)


def _epochs(job: Job, made: dict[int, list[JobArtifact]]) -> list[int]:
    """The epochs at which samples were made, and, while more may come, those planned."""
    every = 0 if job.is_final else job.config.get("sample_every_epochs") or 0
    planned = set(range(every, job.total_epochs + 1, every)) if every else set()
    known = {artifact.epoch for row in made.values() for artifact in row}
    return sorted(planned | known)


def _cell(key: str, artifact: JobArtifact | None, prompt: str, is_pick: bool) -> Sample:  # noqa: FBT001
    if artifact is None:
        return Sample(key)
    return Sample(
        key=key,
        url=picture_url(artifact.blob),
        thumbnail_url=picture_url(artifact.blob, SAMPLE_WIDTH),
        alt=_("%(prompt)s, epoch %(epoch)d") % {"prompt": prompt, "epoch": artifact.epoch},
        is_pick=is_pick,
    )


def _prompts(job: Job) -> list[str]:
    lines = job.config.get("sample_prompts") or []
    texts = [line if isinstance(line, str) else str(line.get("prompt", "")) for line in lines]
    return [text.split(" --")[0] for text in texts]
