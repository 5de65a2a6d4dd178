"""What the publish page shows: checkpoints, their samples as covers, and how the card will look."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from frontend.contexts.components import FileRow, Label, ModelCard, Picture
from frontend.forms.models import split_words
from frontend.forms.publish import weight_of
from frontend.templatetags.words import decimal
from hub.accounts.models import User
from hub.storage.pictures import picture_url
from models_registry.models.model import ModelType
from models_registry.models.version import ModelVersion
from training.jobs.models.artifact import ArtifactKind, JobArtifact
from training.jobs.models.job import Job, Method
from training.jobs.queries import artifacts_of, published_from
from training.jobs.services.publish import samples_for, type_of

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
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class PublishContext:
    """`/runs/<number>/publish/`; `published` is what this checkpoint became already."""

    job: Job
    checkpoints: list[CheckpointOption]
    chosen: JobArtifact | None
    samples: list[CoverOption]
    file: FileRow | None
    published: ModelVersion | None

    @property
    def covers(self) -> list[JobArtifact]:
        """The samples that are chosen as covers, in their order."""
        return [sample.artifact for sample in self.samples if sample.is_chosen]


@dataclass(frozen=True, slots=True)
class Wanting:
    """Something that people will miss, and the field that gives it."""

    sentence: str
    anchor: str


@dataclass(frozen=True, slots=True)
class PublishPreview:
    """The card as it would be now, what it lacks, and when the draft was kept."""

    card: ModelCard
    missing: list[Wanting]
    saved_at: datetime | None = None
    is_locon: bool = False


def publish_context(
    job: Job, *, checkpoint: str, covers: Collection[str] | None = None
) -> PublishContext:
    """The chosen checkpoint (the asked one, the team's pick, else the last) and its samples.

    `covers` are the ids of the chosen samples; None chooses all.
    """
    artifacts = list(artifacts_of(job, ArtifactKind.CHECKPOINT))
    asked = next((row for row in artifacts if str(row.pk) == checkpoint), None)
    picked = next((row for row in artifacts if row.is_pick), None)
    chosen = asked or picked or (artifacts[-1] if artifacts else None)
    return PublishContext(
        job=job,
        checkpoints=[_option(row, chosen) for row in reversed(artifacts)],
        chosen=chosen,
        samples=[
            CoverOption(
                row,
                picture_url(row.blob, COVER_WIDTH),
                str(row.data.get("prompt", "")),
                covers is None or str(row.pk) in covers,
            )
            for row in (samples_for(chosen) if chosen else [])
        ],
        file=_file(chosen) if chosen else None,
        published=published_from(chosen) if chosen else None,
    )


def publish_preview(
    viewer: User, page: PublishContext, typed: Mapping[str, str], saved_at: datetime | None = None
) -> PublishPreview:
    """The model's card made of what is typed now, valid or not."""
    words = split_words(typed.get("trigger_words", ""))
    has_weight = page.job.method in (Method.LORA, Method.HYPERNETWORK)
    weight = weight_of(typed.get("weight", "")) if has_weight else ""
    base = page.job.base_version
    cover = page.covers[0] if page.covers else None
    kind = ModelType(type_of(page.job))
    card = ModelCard(
        url="",
        title=typed.get("name", "").strip() or _("No name yet"),
        type_label=str(kind.label),
        base_model=base.base_model.name if base and base.base_model else "",
        author_name=viewer.public_name,
        download_count=0,
        trigger_word=words[0] if words else "",
        weight=decimal(Decimal(weight)) if weight else "",
        cover=_cover(cover) if cover else None,
    )
    missing = list(_missing(page, typed, words))
    return PublishPreview(card, missing, saved_at, is_locon=kind == ModelType.LOCON)


def _missing(
    page: PublishContext, typed: Mapping[str, str], words: Collection[str]
) -> list[Wanting]:
    found = []
    if not typed.get("name", "").strip():
        found.append(Wanting(_("Give it a name."), "id_name"))
    if page.samples and not page.covers:
        found.append(Wanting(_("Choose a cover."), "covers"))
    if not words and page.job.method != Method.HYPERNETWORK:
        found.append(Wanting(_("Say which words call it up."), "id_trigger_words"))
    if not typed.get("description", "").strip():
        found.append(Wanting(_("Say what it is good for."), "id_description"))
    return found


def _option(row: JobArtifact, chosen: JobArtifact | None) -> CheckpointOption:
    detail = f"{_('Loss')} {row.loss:.4f}" if row.loss is not None else ""
    title = _("Final") if row.is_final else _("Epoch %d") % row.epoch
    return CheckpointOption(row, title, detail, row == chosen)


def _file(row: JobArtifact) -> FileRow:
    kind = "SafeTensor" if row.name.endswith(".safetensors") else ""
    return FileRow(
        name=row.name.rpartition("/")[2],
        size_bytes=row.blob.size_bytes,
        labels=(Label(kind),) if kind else (),
        hash_kind="SHA256",
        hash_value=row.blob.sha256,
    )


def _cover(sample: JobArtifact) -> Picture:
    return Picture(
        src=picture_url(sample.blob, COVER_WIDTH),
        width=int(sample.data.get("width", COVER_WIDTH)),
        height=int(sample.data.get("height", COVER_WIDTH)),
        alt="",
    )
