"""The demo's datasets and its LoRA, trained for real by the queue like anybody's."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db.models import Avg

from hub.accounts.models import Team, User
from hub.demo.words import LORA_ABOUT, style_prompts
from models_registry.models.version import ModelVersion
from models_registry.services.values import Weight
from training.base_models.tiny.location import tiny_demo_dir
from training.datasets.models.dataset import Dataset, Kind
from training.datasets.models.item import Item
from training.datasets.services.importing import create_dataset, import_folder
from training.engine.presets.choosing import preset
from training.jobs.models.artifact import ArtifactKind
from training.jobs.models.job import FINAL, Job, State
from training.jobs.queries import artifacts_of
from training.jobs.services.publish import publish_job
from training.jobs.services.submit import submit_job

RESOLUTION = 128
PRESET = "tiny-lora-style"
POLL_SECONDS = 2.0
PATIENCE_SECONDS = 3600.0
LORA_NAME = "Neon outlines"
WEIGHT = Weight(default=Decimal("0.9"), minimum=Decimal("0.7"), maximum=Decimal("1.1"))
DATASETS = (
    ("neon", "Neon icons", Kind.STYLE, "neon style", ""),
    ("owl", "An owl", Kind.CHARACTER, "sks owl", "an owl"),
)

Say = Callable[[str], None]


def make_datasets(*, actor: User, team: Team) -> list[Dataset]:
    """Two small datasets from icon sets, once."""
    made = []
    for folder, name, kind, trigger, class_prompt in DATASETS:
        known = Dataset.objects.alive().filter(team=team, name=name).first()
        dataset = known or create_dataset(
            actor=actor,
            team=team,
            name=name,
            kind=kind,
            trigger_word=trigger,
            class_prompt=class_prompt,
            resolution=RESOLUTION,
        )
        if dataset.item_count == 0:
            import_folder(actor=actor, dataset=dataset, folder=tiny_demo_dir() / folder)
            dataset.refresh_from_db()
        made.append(dataset)
    return made


def queue_lora(*, actor: User, team: Team, dataset: Dataset, base: ModelVersion) -> Job:
    """Put the demo's LoRA in the team's line, once; a failed one is not tried again by itself."""
    known = Job.objects.filter(team=team, name=LORA_NAME).exclude(state=State.CANCELED).first()
    if known is not None:
        return known
    return submit_job(
        actor=actor,
        team=team,
        name=LORA_NAME,
        dataset=dataset,
        base_version=base,
        method="lora",
        config=_settings(dataset),
        preset=PRESET,
    )


def publish_when_done(*, actor: User, job: Job, say: Say) -> ModelVersion | None:
    """Wait for the run like a person would, then publish its last checkpoint."""
    until = time.monotonic() + PATIENCE_SECONDS
    told = -1
    while job.state not in FINAL and time.monotonic() < until:
        if job.percent // 10 != told:
            told = job.percent // 10
            say(f"{LORA_NAME}: {job.get_state_display()}, {job.percent}%")
        time.sleep(POLL_SECONDS)
        job.refresh_from_db()
    if job.state != State.SUCCEEDED:
        say(f"{LORA_NAME}: {job.get_state_display()}. {job.error_message}")
        return None
    artifact = artifacts_of(job, ArtifactKind.CHECKPOINT).last()
    if artifact is None:
        return None
    return publish_job(
        actor=actor,
        job=job,
        artifact=artifact,
        name=LORA_NAME,
        trigger_words=["neon style"],
        weight=WEIGHT,
        description=LORA_ABOUT,
    )


def _settings(dataset: Dataset) -> dict[str, Any]:
    """The product's own preset, with prompts that show the style on what the base knows."""
    repeats = Item.objects.filter(dataset=dataset).present().aggregate(mean=Avg("repeats"))["mean"]
    chosen = preset(PRESET).settings_for(images=dataset.item_count, repeats=float(repeats or 1))
    return {**chosen, "sample_prompts": style_prompts(dataset.trigger_word)}
