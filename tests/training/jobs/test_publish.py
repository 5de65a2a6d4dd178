"""From a run to the registry and the gallery, once however often it is asked for."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gallery.models.post import Post
from hub.accounts.services import add_member
from hub.core.errors import Conflict, Invalid, NotAllowed, NotFound
from models_registry.models.model import Model, Status
from models_registry.services.values import Weight
from tests.factories.accounts import UserFactory
from tests.factories.registry import lora_bytes
from tests.factories.training import (
    SERIES,
    checkpointed,
    claimed_job,
    picture,
    started,
)
from training.engine.events import Previewed
from training.jobs.models.artifact import ArtifactKind, JobArtifact
from training.jobs.models.event import EventKind
from training.jobs.models.job import Job
from training.jobs.services import artifacts, lifecycle, publish
from training.jobs.services.events import record_events

pytestmark = pytest.mark.django_db

INFOTEXT = (
    "a yuki in snow <lora:yuki:1>\nNegative prompt: blurry\n"
    "Steps: 20, Sampler: DPM++ 2M, CFG scale: 7, Seed: 5, Size: 64x64, Model: Atelier Tiny"
)


def sample_bytes(seed: int) -> bytes:
    info = PngInfo()
    info.add_itxt("parameters", INFOTEXT.replace("Seed: 5", f"Seed: {seed}"))
    out = io.BytesIO()
    picture(seed).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def previewed(sequence: int, path: str, *, step: int, prompt_index: int) -> Previewed:
    return Previewed(
        sequence=sequence,
        path=path,
        prompt_index=prompt_index,
        prompt="a yuki in snow",
        negative="blurry",
        seed=prompt_index,
        epoch=step // 10,
        step=step,
        width=64,
        height=64,
    )


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A finished run with two checkpoints and two samples for each."""
    job, _ = claimed_job()
    record_events(job.pk, 1, [started(1)], run_folder=SERIES)
    places = {"run_dir": tmp_path, "run_folder": SERIES}
    sequence = 2
    for step in (10, 20):
        (tmp_path / f"yuki-{step}.safetensors").write_bytes(lora_bytes(seed=step))
        artifacts.record_file(
            job.pk, 1, checkpointed(sequence, f"yuki-{step}.safetensors", step=step), **places
        )
        for index in (0, 1):
            name = f"e{step}-p{index}.png"
            (tmp_path / name).write_bytes(sample_bytes(step + index))
            told = previewed(sequence + 1 + index, name, step=step, prompt_index=index)
            artifacts.record_file(job.pk, 1, told, **places)
        sequence += 3
    lifecycle.finish(job_id=job.pk, attempt=1, reason="completed")
    job.refresh_from_db()
    return job


def checkpoint(job: Job, step: int) -> JobArtifact:
    return JobArtifact.objects.get(job=job, kind=ArtifactKind.CHECKPOINT, step=step)


def test_publishing_twice_gives_the_same_version_and_one_post(job: Job) -> None:
    wish = {
        "actor": job.owner,
        "job": job,
        "artifact": checkpoint(job, 10),
        "name": "Yuki",
        "trigger_words": ["yuki"],
        "weight": Weight(default=0.8, minimum=0.6, maximum=1.0),  # type: ignore[arg-type]
        "description": "A girl in the snow.",
    }
    first = publish.publish_job(**wish)  # type: ignore[arg-type]
    second = publish.publish_job(**wish)  # type: ignore[arg-type]
    assert first.pk == second.pk
    assert Model.objects.filter(name="Yuki").count() == 1
    assert Post.objects.filter(model_version=first).count() == 1
    assert job.events.filter(kind=EventKind.PUBLISHED).count() == 1
    job.refresh_from_db()
    assert job.published_version_id == first.pk


def test_the_version_carries_everything_that_is_known(job: Job) -> None:
    version = publish.publish_job(
        actor=job.owner,
        job=job,
        artifact=checkpoint(job, 10),
        name="Yuki",
        trigger_words=["yuki"],
    )
    assert version.status == Status.PUBLISHED
    assert (version.model.type, version.model.team_id) == ("LORA", job.team_id)
    assert version.base_model is not None
    assert version.base_model.name == "Atelier Tiny"
    assert version.trained_words == ["yuki"]
    assert version.job_uuid == job.pk
    assert version.dataset_snapshot_uuid == job.snapshot_id
    assert version.snapshot_hash == job.snapshot.manifest_sha256
    assert version.base_model_sha256 == job.base_sha256
    assert version.base_version_id == job.base_version_id
    assert version.training_config == job.config
    assert (version.engine_version, version.training_steps) == ("1.0.0", 10)
    file = version.files.get()
    assert file.scan_status == "Success"
    assert file.hashes.count() >= 5
    covers = list(version.covers.order_by("position"))
    assert len(covers) == 2
    assert covers[0].generation_text == INFOTEXT.replace("Seed: 5", "Seed: 10")


def test_the_samples_of_the_chosen_epoch_enter_the_gallery_with_their_data(job: Job) -> None:
    version = publish.publish_job(
        actor=job.owner, job=job, artifact=checkpoint(job, 20), name="Yuki"
    )
    post = Post.objects.get(model_version=version)
    shown = sorted(image.filename for image in post.images.all())
    assert shown == ["e20-p0.png", "e20-p1.png"]


def test_chosen_covers_are_taken_in_their_order(job: Job) -> None:
    samples = list(JobArtifact.objects.filter(job=job, kind=ArtifactKind.SAMPLE).order_by("-name"))
    version = publish.publish_job(
        actor=job.owner, job=job, artifact=checkpoint(job, 10), name="Yuki", covers=samples[:2]
    )
    covers = version.covers.order_by("position").values_list("blob_id", flat=True)
    assert list(covers) == [sample.blob_id for sample in samples[:2]]


def test_another_epoch_can_become_the_next_version_of_the_model(job: Job) -> None:
    first = publish.publish_job(actor=job.owner, job=job, artifact=checkpoint(job, 10), name="Yuki")
    second = publish.publish_job(
        actor=job.owner, job=job, artifact=checkpoint(job, 20), name="Yuki", model=first.model
    )
    assert (second.model_id, second.index) == (first.model_id, 2)


def test_a_crash_after_the_draft_is_made_good_by_publishing_again(job: Job) -> None:
    wish = publish.PublishWish(name="Yuki")
    artifact = checkpoint(job, 10)
    draft = publish._draft(job.owner, job, artifact, wish).version
    assert draft.status == Status.DRAFT
    version = publish.publish_job(actor=job.owner, job=job, artifact=artifact, name="Yuki")
    assert version.pk == draft.pk
    assert version.status == Status.PUBLISHED
    assert Post.objects.filter(model_version=version).count() == 1


def test_who_and_what_may_be_published(job: Job) -> None:
    artifact = checkpoint(job, 10)
    with pytest.raises(NotFound):
        publish.publish_job(actor=UserFactory(), job=job, artifact=artifact, name="x")
    member = UserFactory()
    add_member(actor=job.owner, team=job.team, user=member)
    with pytest.raises(NotAllowed):
        publish.publish_job(actor=member, job=job, artifact=artifact, name="x")
    sample = JobArtifact.objects.filter(job=job, kind=ArtifactKind.SAMPLE)[0]
    with pytest.raises(Invalid):
        publish.publish_job(actor=job.owner, job=job, artifact=sample, name="x")


def test_a_run_that_is_not_over_cannot_be_published(tmp_path: Path) -> None:
    job, _ = claimed_job()
    (tmp_path / "a.safetensors").write_bytes(lora_bytes())
    artifact = artifacts.record_file(
        job.pk, 1, checkpointed(1, "a.safetensors"), run_dir=tmp_path, run_folder=SERIES
    )
    assert artifact is not None
    with pytest.raises(Conflict):
        publish.publish_job(actor=job.owner, job=job, artifact=artifact, name="x")


def test_a_cover_of_another_run_is_refused(job: Job, tmp_path: Path) -> None:
    other, _ = claimed_job()
    (tmp_path / "other.png").write_bytes(sample_bytes(99))
    foreign = artifacts.record_file(
        other.pk,
        1,
        previewed(1, "other.png", step=1, prompt_index=0),
        run_dir=tmp_path,
        run_folder=SERIES,
    )
    assert foreign is not None
    with pytest.raises(Invalid):
        publish.publish_job(
            actor=job.owner,
            job=job,
            artifact=checkpoint(job, 10),
            name="Yuki",
            covers=[foreign],
        )
    assert not Model.objects.filter(name="Yuki").exists()


def test_the_sample_is_a_picture_with_its_text() -> None:
    with Image.open(io.BytesIO(sample_bytes(5))) as image:
        assert image.text["parameters"] == INFOTEXT  # type: ignore[attr-defined]
