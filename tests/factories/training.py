"""Datasets, jobs and workers for tests, made of real files and through the services."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from PIL import Image

from hub.accounts.models import Team, User
from hub.storage import uploads
from hub.storage.models import Upload, UploadPurpose
from models_registry.models.model import ModelType
from models_registry.models.version import ModelVersion
from tests.factories.accounts import UserFactory, make_team
from tests.factories.registry import publish_model
from training.datasets.models.dataset import Dataset
from training.datasets.models.item import Item
from training.datasets.queries import ImportReport, items_of
from training.datasets.services import importing
from training.engine.events import Checkpointed, Finished, Started, Stepped
from training.jobs.models.job import Job
from training.jobs.models.worker_node import WorkerNode
from training.jobs.services import schedule, submit

GIB = 1024**3
TINY = "Atelier Tiny"


def picture(seed: int = 0, *, size: tuple[int, int] = (64, 64), mode: str = "RGB") -> Image.Image:
    """Smooth random colours: pictures of different seeds do not look alike."""
    draws = np.random.default_rng(seed)
    small = draws.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).convert(mode)


def picture_bytes(
    seed: int = 0, *, size: tuple[int, int] = (64, 64), kind: str = "PNG", **options: Any
) -> bytes:
    """The file of such a picture."""
    out = io.BytesIO()
    picture(seed, size=size).save(out, kind, **options)
    return out.getvalue()


def zip_bytes(members: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive with these members in this order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def make_upload(*, owner: User, name: str, data: bytes) -> Upload:
    """A complete upload for a dataset."""
    upload = uploads.begin_upload(
        actor=owner, purpose=UploadPurpose.DATASET, filename=name, size_bytes=len(data)
    )
    uploads.partial_path(upload.pk).write_bytes(data)
    return uploads.complete_upload(upload=upload, sha256=None)


def make_dataset(
    *, owner: User | None = None, team: Team | None = None, name: str = "Yuki", **fields: Any
) -> Dataset:
    """An empty dataset whose pictures are checked against 64 px."""
    owner = owner or UserFactory()
    return importing.create_dataset(
        actor=owner,
        team=team or make_team(owner=owner),
        name=name,
        **{"resolution": 64, **fields},
    )


def bring_in(dataset: Dataset, name: str, data: bytes) -> ImportReport:
    """Upload a file into a dataset and read it, as page and worker do."""
    upload = make_upload(owner=dataset.owner, name=name, data=data)
    importing.start_import(actor=dataset.owner, dataset=dataset, upload_id=upload.pk)
    report = importing.import_upload(dataset_id=dataset.pk, upload_id=upload.pk)
    assert report is not None, "the dataset is gone"
    return report


def fill(dataset: Dataset, count: int = 3, *, tags: str = "yuki, girl, snow") -> list[Item]:
    """Bring in pictures that do not look alike, each with the same tags."""
    members: dict[str, bytes] = {}
    for number in range(count):
        members[f"{number:02d}.png"] = picture_bytes(number)
        members[f"{number:02d}.txt"] = tags.encode()
    bring_in(dataset, "pictures.zip", zip_bytes(members))
    dataset.refresh_from_db()
    return list(items_of(dataset))


def make_base(*, owner: User | None = None, name: str = TINY) -> ModelVersion:
    """A published checkpoint of the tiny family whose file is clean (it is not trainable bytes)."""
    return publish_model(
        owner=owner, name=name, base_model=TINY, type=ModelType.CHECKPOINT, trigger_words=()
    )


def make_job(
    *,
    owner: User | None = None,
    team: Team | None = None,
    dataset: Dataset | None = None,
    base: ModelVersion | None = None,
    name: str = "yuki ns",
    config: dict[str, Any] | None = None,
    **fields: Any,
) -> Job:
    """A job in line; without a dataset given, on one of one picture."""
    owner = owner or (dataset.owner if dataset else UserFactory())
    team = team or (dataset.team if dataset else make_team(owner=owner))
    if dataset is None:
        dataset = make_dataset(owner=owner, team=team)
        fill(dataset, 1)
    return submit.submit_job(
        actor=owner,
        team=team,
        name=name,
        dataset=dataset,
        base_version=base or make_base(),
        method="lora",
        config={"resolution": 128, "max_steps": 20, **(config or {})},
        **fields,
    )


def make_worker(
    name: str = "gpu@one", *, device: str = "cpu", memory_bytes: int = 64 * GIB
) -> WorkerNode:
    """A registered worker that has just given a sign of life."""
    return schedule.register_worker(
        name=name,
        device=device,
        device_name="test",
        memory_bytes=memory_bytes,
        engine_version="1.0.0",
    )


def claimed_job(**fields: Any) -> tuple[Job, WorkerNode]:
    """A running job and the worker that holds it."""
    make_job(**fields)
    worker = make_worker()
    job = schedule.claim_next(worker=worker)
    assert job is not None
    return job, worker


def started(sequence: int = 1, *, total_steps: int = 20) -> Started:
    """What the engine says first."""
    return Started(
        sequence=sequence,
        method="lora",
        step=0,
        total_steps=total_steps,
        epochs=2,
        steps_per_epoch=10,
        images=3,
        regularisation_images=0,
        trainable_parameters=1000,
        device="cpu",
        precision="no",
        threads=1,
        engine_version="1.0.0",
        resumed=False,
    )


def stepped(sequence: int, step: int, *, loss: float = 0.5) -> Stepped:
    """What the engine says after a step."""
    return Stepped(
        sequence=sequence,
        step=step,
        total_steps=20,
        epoch=1,
        loss=loss,
        learning_rates={"unet": 1e-4},
        steps_per_second=2.0,
        eta_seconds=5.0,
        memory=10**9,
    )


def finished(sequence: int) -> Finished:
    """What the engine says last."""
    return Finished(
        sequence=sequence,
        reason="completed",
        step=20,
        total_steps=20,
        path="checkpoints/yuki.safetensors",
        sha256="0" * 64,
        loss=0.4,
        seconds=10.0,
    )


def checkpointed(sequence: int, path: str, *, sha256: str = "", step: int = 10) -> Checkpointed:
    """What the engine says of a file."""
    return Checkpointed(
        sequence=sequence,
        path=path,
        epoch=1,
        step=step,
        sha256=sha256,
        size_bytes=1,
        loss=0.5,
    )


SERIES: UUID = uuid4()
