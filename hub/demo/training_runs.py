"""The demo's datasets and what it trains from them, for real, by the queue like anybody's."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Avg

from hub.accounts.models import Team, User
from hub.demo.words import DREAMBOOTH_ABOUT, LORA_ABOUT, style_prompts, subject_prompts
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
POLL_SECONDS = 2.0
PATIENCE_SECONDS = 3600.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Lesson:
    """A dataset of the demo and the run that learns it."""

    folder: str
    dataset: str
    kind: Kind
    trigger_word: str
    class_prompt: str
    run: str
    method: str
    preset: str
    prompts: Callable[[str], list[str]]
    about: str
    weight: Weight | None = None


LESSONS = (
    Lesson(
        folder="neon",
        dataset="Neon icons",
        kind=Kind.STYLE,
        trigger_word="neon style",
        class_prompt="",
        run="Neon outlines",
        method="lora",
        preset="tiny-lora-style",
        prompts=style_prompts,
        about=LORA_ABOUT,
        weight=Weight(default=Decimal("0.9"), minimum=Decimal("0.7"), maximum=Decimal("1.1")),
    ),
    Lesson(
        folder="owl",
        dataset="An owl",
        kind=Kind.CHARACTER,
        trigger_word="sks owl",
        class_prompt="an owl",
        run="Tiny with an owl",
        method="dreambooth",
        preset="tiny-dreambooth",
        prompts=subject_prompts,
        about=DREAMBOOTH_ABOUT,
    ),
)


def make_dataset(*, actor: User, team: Team, lesson: Lesson) -> Dataset:
    """A small dataset from icon sets, once."""
    known = Dataset.objects.alive().filter(team=team, name=lesson.dataset).first()
    dataset = known or create_dataset(
        actor=actor,
        team=team,
        name=lesson.dataset,
        kind=lesson.kind,
        trigger_word=lesson.trigger_word,
        class_prompt=lesson.class_prompt,
        resolution=RESOLUTION,
    )
    if dataset.item_count == 0:
        import_folder(actor=actor, dataset=dataset, folder=tiny_demo_dir() / lesson.folder)
        dataset.refresh_from_db()
    return dataset


def queue_run(*, actor: User, dataset: Dataset, base: ModelVersion, lesson: Lesson) -> Job:
    """Put a run in the team's line, once; a failed one is not tried again by itself."""
    runs = Job.objects.filter(team=dataset.team, name=lesson.run)
    known = runs.exclude(state=State.CANCELED).first()
    if known is not None:
        return known
    return submit_job(
        actor=actor,
        team=dataset.team,
        name=lesson.run,
        dataset=dataset,
        base_version=base,
        method=lesson.method,
        config=_settings(dataset, lesson),
        preset=lesson.preset,
    )


def publish_when_done(*, actor: User, job: Job, lesson: Lesson, say: Say) -> ModelVersion | None:
    """Wait for the run like a person would, then publish its last checkpoint."""
    until = time.monotonic() + PATIENCE_SECONDS
    told = -1
    while job.state not in FINAL and time.monotonic() < until:
        if job.percent // 10 != told:
            told = job.percent // 10
            say(f"{job.name}: {job.get_state_display()}, {job.percent}%")
        time.sleep(POLL_SECONDS)
        job.refresh_from_db()
    if job.state != State.SUCCEEDED:
        say(f"{job.name}: {job.get_state_display()}. {job.error_message}")
        return None
    artifact = artifacts_of(job, ArtifactKind.CHECKPOINT).last()
    if artifact is None:
        return None
    return publish_job(
        actor=actor,
        job=job,
        artifact=artifact,
        name=job.name,
        trigger_words=[lesson.trigger_word],
        weight=lesson.weight,
        description=lesson.about,
    )


def _settings(dataset: Dataset, lesson: Lesson) -> dict[str, Any]:
    """The product's own preset, with prompts that show what is learnt beside what was known."""
    repeats = Item.objects.filter(dataset=dataset).present().aggregate(mean=Avg("repeats"))["mean"]
    chosen = preset(lesson.preset)
    settings = chosen.settings_for(images=dataset.item_count, repeats=float(repeats or 1))
    return {**settings, "sample_prompts": lesson.prompts(lesson.trigger_word)}
