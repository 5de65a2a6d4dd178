"""From a finished run into registry and gallery, through their front doors, in one action.

Three steps, each safe to repeat: the draft with file, words, covers and provenance (one
transaction, found again through JobPublication); the file looked at; the version published and its
samples posted. A crash between two steps is made good by publishing again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from gallery.services.posts import NewImage, create_post
from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Conflict, Invalid, NotAllowed, NotFound
from hub.core.visibility import Visibility
from hub.formats.errors import FormatError
from hub.formats.generation.png import read_png_text
from hub.storage.blobs import open_blob
from hub.storage.models import Blob
from models_registry.models.file import ScanStatus
from models_registry.models.model import Model, ModelType, Status, Subject
from models_registry.models.version import ModelVersion
from models_registry.services.drafts import add_cover, create_model, create_version
from models_registry.services.edits import update_model
from models_registry.services.files import add_file, process_file
from models_registry.services.publish import publish_version
from models_registry.services.recommendations import add_example_prompt
from models_registry.services.values import Example, Provenance, Usage, Weight
from training.datasets.models.dataset import Kind
from training.engine.config.train import TrainConfig
from training.jobs.models.artifact import ArtifactKind, JobArtifact
from training.jobs.models.event import EventKind
from training.jobs.models.job import Job, Method
from training.jobs.models.publication import JobPublication
from training.jobs.permissions import can_publish_job, can_see_job
from training.jobs.services.events import NewEvent, append_events, lock_job

TYPES = {
    Method.LORA: ModelType.LORA,
    Method.DREAMBOOTH: ModelType.CHECKPOINT,
    Method.TEXTUAL_INVERSION: ModelType.TEXTUAL_INVERSION,
    Method.HYPERNETWORK: ModelType.HYPERNETWORK,
}
SUBJECTS = {
    Kind.CHARACTER: Subject.CHARACTER,
    Kind.STYLE: Subject.STYLE,
    Kind.OBJECT: Subject.OBJECT,
    Kind.CLOTHING: Subject.CLOTHING,
}
MOST_COVERS = 8


@dataclass(frozen=True)
class PublishWish:
    """What a person says about the result; `covers` are samples of the run, the first is shown."""

    name: str
    trigger_words: tuple[str, ...] = ()
    weight: Weight | None = None
    description: str = ""
    visibility: str = Visibility.PUBLIC
    covers: tuple[UUID, ...] = ()
    version_name: str = ""
    model: Model | None = None
    usage_tips: str = ""


def publish_job(
    *,
    actor: User,
    job: Job,
    artifact: JobArtifact,
    name: str,
    trigger_words: Sequence[str] = (),
    weight: Weight | None = None,
    description: str = "",
    visibility: str = Visibility.PUBLIC,
    covers: Sequence[JobArtifact] = (),
    model: Model | None = None,
    version_name: str = "",
) -> ModelVersion:
    """Publish one checkpoint of a run; the same checkpoint again gives the same version.

    With `model` it becomes that model's next version. Without `covers` the samples of the same
    epoch are taken. Raises NotReady with what is missing, Conflict when the file was not cleared.
    """
    wish = PublishWish(
        name=name,
        trigger_words=tuple(trigger_words),
        weight=weight,
        description=description,
        visibility=visibility,
        covers=tuple(cover.pk for cover in covers),
        version_name=version_name,
        model=model,
    )
    _check(actor, job, artifact)
    publication = _draft(actor, job, artifact, wish)
    version = publication.version
    for file in version.files.filter(scan_status=ScanStatus.PENDING):
        process_file(file_id=file.pk)
    version = publish_version(actor=actor, version=version)
    _post_samples(actor, publication, wish)
    return version


def samples_for(artifact: JobArtifact) -> list[JobArtifact]:
    """Samples made with this checkpoint: those of its step, else the last ones before it."""
    samples = JobArtifact.objects.filter(job_id=artifact.job_id, kind=ArtifactKind.SAMPLE)
    made = samples.filter(step__lte=artifact.step)
    last = made.order_by("-step").values_list("step", flat=True).first()
    if last is None:
        return []
    return list(
        made.filter(step=last).select_related("blob").order_by("prompt_index", "id")[:MOST_COVERS]
    )


def type_of(job: Job) -> str:
    """The type of model that a run makes."""
    config = TrainConfig.parse(job.config).resolved()
    if job.method == Method.LORA and config.network.conv_dim:
        return str(ModelType.LOCON)
    return str(TYPES[Method(job.method)])


def generation_text(blob: Blob) -> str:
    """The generation data that the engine wrote into a sample, or ""."""
    try:
        with open_blob(blob) as file:
            return read_png_text(file).texts.get("parameters", "")
    except FormatError:
        return ""


def _check(actor: User, job: Job, artifact: JobArtifact) -> None:
    if not can_see_job(actor, job) or artifact.job_id != job.pk:
        raise NotFound(_("There is no such training run."))
    if artifact.kind != ArtifactKind.CHECKPOINT:
        raise Invalid(_("Only a checkpoint can be published."))
    if not can_publish_job(actor, job):
        if job.is_final:
            raise NotAllowed(_("Only the owner of a finished run and managers can publish it."))
        raise Conflict(_("The run is not over yet. Stop it and keep the result, or wait."))


def _draft(actor: User, job: Job, artifact: JobArtifact, wish: PublishWish) -> JobPublication:
    """The publication of this checkpoint, made on the first call under the job's lock."""
    with transaction.atomic():
        locked = lock_job(job.pk)
        known = JobPublication.objects.filter(artifact=artifact).select_related("version").first()
        if known is not None:
            _take_up(actor, known.version, wish)
            return known
        version = _create_version(actor, locked, artifact, wish)
        suffix = PurePosixPath(artifact.name).suffix
        stem = PurePosixPath(artifact.name).stem
        add_file(actor=actor, version=version, blob=artifact.blob, name=f"{stem}{suffix}")
        _add_pictures(actor, artifact, version, wish)
        publication = JobPublication.objects.create(
            job=locked, artifact=artifact, version=version, published_by=actor
        )
        Job.objects.filter(pk=job.pk).update(published_version=version)
        data = {
            "version": version.pk,
            "model": version.model_id,
            "slug": version.model.slug,
            "name": version.model.name,
        }
        append_events(locked, [NewEvent(EventKind.PUBLISHED, data)])
        audit.record(actor=actor, action="job.publish", target=locked, detail=data)
    return publication


def _take_up(actor: User, version: ModelVersion, wish: PublishWish) -> None:
    """An earlier try made this version: one that stopped half-way goes on, as is wished now."""
    if version.status == Status.UNPUBLISHED:
        raise Conflict(
            _("This checkpoint was published before and taken back. Change it on its model page.")
        )
    if version.published_at is None and wish.model is None:
        update_model(actor=actor, model=version.model, visibility=wish.visibility)


def _create_version(
    actor: User, job: Job, artifact: JobArtifact, wish: PublishWish
) -> ModelVersion:
    config = TrainConfig.parse(job.config).resolved()
    model = wish.model or create_model(
        actor=actor,
        name=wish.name,
        type=type_of(job),
        team=job.team,
        description=wish.description,
        visibility=wish.visibility,
        subject=SUBJECTS.get(Kind(job.snapshot.dataset.kind), ""),
        checkpoint_type="Trained" if job.method == Method.DREAMBOOTH else "",
    )
    base = job.base_version
    return create_version(
        actor=actor,
        model=model,
        name=wish.version_name,
        base_model=base.base_model if base else None,
        trigger_words=list(wish.trigger_words),
        weight=wish.weight,
        description=wish.description if wish.model else "",
        usage=Usage(
            clip_skip=config.clip_skip,
            sampler=config.sampling.sampler,
            steps=config.sampling.steps,
            cfg_scale=config.sampling.guidance,
            width=config.sampling.width,
            height=config.sampling.height,
            tips=wish.usage_tips,
        ),
        provenance=_provenance(job, artifact, config),
    )


def _provenance(job: Job, artifact: JobArtifact, config: TrainConfig) -> Provenance:
    is_lora = job.method == Method.LORA
    return Provenance(
        job_uuid=job.pk,
        dataset_snapshot_uuid=job.snapshot_id,
        snapshot_hash=job.snapshot.manifest_sha256,
        base_version=job.base_version,
        base_model_sha256=job.base_sha256,
        engine_version=job.engine_version,
        training_config=job.config,
        network_dim=config.network.dim if is_lora else None,
        network_alpha=config.network.alpha if is_lora else None,
        epochs=artifact.epoch or None,
        training_steps=artifact.step or None,
    )


def _add_pictures(
    actor: User, artifact: JobArtifact, version: ModelVersion, wish: PublishWish
) -> None:
    for cover in _covers(artifact, wish):
        text = generation_text(cover.blob)
        row = add_cover(actor=actor, version=version, blob=cover.blob, generation_text=text)
        prompt = str(cover.data.get("prompt", ""))
        if prompt.strip():
            example = Example(
                prompt=prompt,
                negative=str(cover.data.get("negative", "")),
                seed=cover.data.get("seed"),
            )
            add_example_prompt(actor=actor, version=version, example=example, cover=row)


def _covers(artifact: JobArtifact, wish: PublishWish) -> list[JobArtifact]:
    if not wish.covers:
        return samples_for(artifact)
    found = {
        cover.pk: cover
        for cover in JobArtifact.objects.filter(
            job_id=artifact.job_id, kind=ArtifactKind.SAMPLE, pk__in=wish.covers
        ).select_related("blob")
    }
    if len(found) != len(set(wish.covers)):
        raise Invalid(_("A cover is not a sample of this run. Choose others."))
    return [found[pk] for pk in dict.fromkeys(wish.covers)]


def _post_samples(actor: User, publication: JobPublication, wish: PublishWish) -> None:
    """Show the samples in the gallery, once."""
    with transaction.atomic():
        locked = JobPublication.objects.select_for_update().get(pk=publication.pk)
        covers = _covers(publication.artifact, wish)
        if locked.post_id is not None or not covers:
            return
        job = publication.job
        locked.post = create_post(
            actor=actor,
            team=job.team,
            images=[
                NewImage(blob=cover.blob, filename=PurePosixPath(cover.name).name)
                for cover in covers
            ],
            title=publication.version.model.name,
            model_version=publication.version,
            visibility=wish.visibility,
        )
        locked.save(update_fields=["post"])
