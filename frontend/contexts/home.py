"""What the start page and the search page show."""

import re
from dataclasses import dataclass, field

from django.contrib.auth.models import AnonymousUser

from frontend.contexts.components import ImageCard, ModelCard
from frontend.contexts.images import image_card_of
from frontend.contexts.model_list import model_card_of
from frontend.contexts.runs import RunRow, row_of
from gallery.queries import ImageFilters, image_list
from hub.accounts.models import User
from hub.storage.pictures import picture_url
from models_registry.filters import ModelFilters, Sort
from models_registry.models.file_hash import MIN_PREFIX
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion
from models_registry.queries import drafts_of, find_by_hash, model_list
from training.datasets.models.dataset import Dataset
from training.datasets.queries import datasets_of
from training.jobs.queries import ACTIVE_STATES, jobs_of, newest_samples

RUNS, CARDS, PICTURES, DRAFTS, DATASETS = 4, 6, 12, 6, 12
SHEET, FEWEST_ON_SHEET = 8, 4  # pictures of the contact sheet beside the greeting
SAMPLES, SAMPLE_WIDTH = 4, 320
DATASETS_LOOKED_AT = 500
HASH = re.compile(rf"[0-9A-Fa-f]{{{MIN_PREFIX},64}}")  # 64 digits are a whole SHA-256

Viewer = User | AnonymousUser


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A run that waits or works, with the addresses of its newest samples."""

    row: RunRow
    samples: list[str]


@dataclass(frozen=True, slots=True)
class HomeContext:
    """`/`: a contact sheet of the newest pictures, running now, drafts, new.

    `explains` is for those who have trained nothing yet: the way from pictures to a model.
    """

    sheet: list[ImageCard]
    explains: bool
    runs: list[LiveRun]
    drafts: list[Model]
    models: list[ModelCard]
    images: list[ImageCard]


@dataclass(frozen=True, slots=True)
class SearchContext:
    """`/search/`: what the words were found in."""

    text: str
    versions: list[ModelVersion] = field(default_factory=list)
    models: list[ModelCard] = field(default_factory=list)
    datasets: list[Dataset] = field(default_factory=list)
    images: list[ImageCard] = field(default_factory=list)
    posted: list[ImageCard] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether the words were found nowhere."""
        return not (self.versions or self.models or self.datasets or self.images or self.posted)


def home_context(viewer: Viewer) -> HomeContext:
    """The start page for this person."""
    newest = model_list(viewer=viewer, sort=Sort.NEWEST, limit=CARDS)
    found = image_list(viewer=viewer, filters=ImageFilters(), limit=SHEET + PICTURES)
    pictures = [image_card_of(image) for image in found.items]
    on_sheet = min(len(pictures), SHEET) if len(pictures) >= FEWEST_ON_SHEET else 0
    return HomeContext(
        sheet=pictures[:on_sheet],
        explains=not jobs_of(viewer).exists(),
        runs=_live_runs(viewer),
        drafts=drafts_of(viewer, limit=DRAFTS),
        models=[model_card_of(model, viewer) for model in newest.items],
        images=pictures[on_sheet:],
    )


def search_context(viewer: Viewer, text: str) -> SearchContext:
    """Models by words or hash, datasets by name or trigger word, pictures by prompt or author."""
    if not text:
        return SearchContext(text="")
    found = model_list(viewer=viewer, filters=ModelFilters(query=text), limit=CARDS)
    prompted = image_list(viewer=viewer, filters=ImageFilters(words=text), limit=PICTURES)
    posted = image_list(viewer=viewer, filters=ImageFilters(author=text), limit=PICTURES)
    return SearchContext(
        text=text,
        versions=_by_hash(viewer, text),
        models=[model_card_of(model, viewer) for model in found.items],
        datasets=_datasets(viewer, text),
        images=[image_card_of(image) for image in prompted.items],
        posted=[image_card_of(image) for image in posted.items],
    )


def _live_runs(viewer: Viewer) -> list[LiveRun]:
    jobs = list(jobs_of(viewer, states=ACTIVE_STATES)[:RUNS])
    samples = newest_samples(jobs, each=SAMPLES)
    return [
        LiveRun(
            row_of(job),
            [picture_url(artifact.blob, SAMPLE_WIDTH) for artifact in samples.get(job.pk, [])],
        )
        for job in jobs
    ]


def _by_hash(viewer: Viewer, text: str) -> list[ModelVersion]:
    if not HASH.fullmatch(text):
        return []
    return find_by_hash(viewer=viewer, hash_prefix=text)


def _datasets(viewer: Viewer, text: str) -> list[Dataset]:
    wanted = text.casefold()
    seen = datasets_of(viewer)[:DATASETS_LOOKED_AT]
    return [
        dataset
        for dataset in seen
        if wanted in dataset.name.casefold() or wanted in dataset.trigger_word.casefold()
    ][:DATASETS]
