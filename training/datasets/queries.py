"""Reads of datasets for pages, API and services; no list asks once per row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, F, Func, OuterRef, Prefetch, QuerySet, Subquery
from django.utils.translation import gettext as _

from hub.accounts.models import Team, User
from hub.core.errors import NotFound
from hub.core.pagination import Page, keyset
from training.datasets.models.dataset import Dataset
from training.datasets.models.importing import DatasetImport, ImportEntry, Outcome
from training.datasets.models.item import Item, ItemQuerySet, Problem
from training.datasets.models.tag import ItemTag, TagEdit
from training.datasets.models.tagging import TaggingRun
from training.engine.config.prompt_lines import is_hash

COVER_COUNT = 4


@dataclass(frozen=True)
class ItemFilters:
    """What the tag editor shows: pictures with all of `tags`, none of `hidden`, with `problem`."""

    tags: Sequence[str] = ()
    hidden: Sequence[str] = ()
    problem: str = ""
    text: str = ""


@dataclass(frozen=True)
class TagFrequency:
    """A tag, on how many pictures it is, and their share from 0 to 1."""

    text: str
    count: int
    share: float
    is_trigger: bool


@dataclass(frozen=True)
class History:
    """What undo and redo would do for one person; empty words where there is nothing."""

    undo_label: str = ""
    redo_label: str = ""


@dataclass(frozen=True)
class ImportReport:
    """What became of an import, file by file; `problems` counts pictures added with one."""

    batch: DatasetImport
    entries: tuple[ImportEntry, ...]
    outcomes: dict[str, int] = field(default_factory=dict)
    problems: dict[str, int] = field(default_factory=dict)

    @property
    def added(self) -> int:
        """Number of pictures that came in."""
        return self.outcomes.get(Outcome.ADDED, 0)


def datasets_of(viewer: User | AnonymousUser, *, team: Team | None = None) -> QuerySet[Dataset]:
    """Datasets the viewer sees, newest change first, with owner, team and number of snapshots."""
    found = Dataset.objects.visible_to(viewer)
    if team is not None:
        found = found.filter(team=team)
    return found.select_related("owner", "team").order_by("-updated_at", "-id")


def covers_of(datasets: Sequence[Dataset]) -> dict[UUID, list[Item]]:
    """The first pictures of each dataset, for its card; one query."""
    first = Subquery(
        Item.objects.filter(dataset=OuterRef("dataset"))
        .present()
        .order_by("position", "id")
        .values("pk")[:COVER_COUNT]
    )
    rows = (
        Item.objects.filter(dataset__in=datasets, pk__in=first)
        .select_related("blob")
        .order_by("dataset_id", "position", "id")
    )
    covers: dict[UUID, list[Item]] = {dataset.pk: [] for dataset in datasets}
    for item in rows:
        covers[item.dataset_id].append(item)
    return covers


def dataset_for(viewer: User | AnonymousUser, key: str | UUID) -> Dataset:
    """The dataset with this slug or id, as far as the viewer sees it. Raises NotFound."""
    found = Dataset.objects.visible_to(viewer).select_related("owner", "team")
    dataset = (
        found.filter(pk=key).first() if isinstance(key, UUID) else found.filter(slug=key).first()
    )
    if dataset is None:
        raise NotFound(_("There is no such dataset."))
    return dataset


def dataset_of_snapshot(viewer: User | AnonymousUser, snapshot_id: UUID | None) -> Dataset | None:
    """The dataset that a snapshot was taken of, as far as the viewer may see it."""
    if snapshot_id is None:
        return None
    return datasets_of(viewer).filter(snapshots__pk=snapshot_id).first()


def items_of(dataset: Dataset, filters: ItemFilters | None = None) -> ItemQuerySet:
    """Pictures in their order with blobs and tags; three queries for any number."""
    found = Item.objects.filter(dataset=dataset).present()
    wish = filters or ItemFilters()
    if wish.tags:
        found = found.tagged(*wish.tags)
    if wish.hidden:
        found = found.not_tagged(*wish.hidden)
    if wish.problem:
        found = found.with_problem(wish.problem)
    if wish.text:
        found = found.filter(filename__icontains=wish.text)
    tags = Prefetch("tags", queryset=ItemTag.objects.order_by("position"))
    return found.select_related("blob").prefetch_related(tags).order_by("position", "id")


def items_page(
    dataset: Dataset, *, filters: ItemFilters | None = None, cursor: str | None, limit: int
) -> Page[Item]:
    """One page of pictures in their order."""
    return keyset(items_of(dataset, filters), order=("position", "id"), cursor=cursor, limit=limit)


def items_by_id(dataset: Dataset, ids: Sequence[UUID]) -> list[Item]:
    """The chosen pictures of one dataset. Raises NotFound when one is missing."""
    found = list(items_of(dataset).filter(pk__in=ids))
    if len(found) != len(set(ids)):
        raise NotFound(_("One of the pictures is no longer in this dataset. Reload the page."))
    return found


def newest_tagging_run(dataset: Dataset) -> TaggingRun | None:
    """The tagging run that is on, or the last one."""
    return TaggingRun.objects.filter(dataset=dataset).order_by("-created_at").first()


def removed_items(dataset: Dataset, ids: Sequence[UUID]) -> list[Item]:
    """Those of these pictures that were taken out of the dataset."""
    gone = Item.objects.filter(dataset=dataset, removed_at__isnull=False)
    return list(gone.filter(pk__in=ids))


def tag_frequencies(dataset: Dataset) -> list[TagFrequency]:
    """All tags of the dataset, the most frequent first; one query."""
    rows = (
        ItemTag.objects.filter(item__dataset=dataset, item__removed_at__isnull=True)
        .values("text")
        .annotate(count=Count("pk"))
        .order_by("-count", "text")
    )
    total = max(dataset.item_count, 1)
    return [
        TagFrequency(
            text=row["text"],
            count=row["count"],
            share=min(1.0, row["count"] / total),
            is_trigger=row["text"] == dataset.trigger_word,
        )
        for row in rows
    ]


def problem_counts(dataset: Dataset) -> dict[str, int]:
    """How many pictures have each problem, every problem named; one query."""
    rows = (
        Item.objects.filter(dataset=dataset)
        .present()
        .annotate(problem=Func(F("problems"), function="unnest"))
        .values("problem")
        .annotate(count=Count("pk"))
    )
    counts = dict.fromkeys((str(problem) for problem in Problem), 0)
    counts.update({row["problem"]: row["count"] for row in rows})
    return counts


def history_of(dataset: Dataset, viewer: User) -> History:
    """What the viewer's undo and redo buttons say."""
    edits = TagEdit.objects.filter(dataset=dataset, actor=viewer)
    last = edits.filter(is_undone=False).order_by("-number").first()
    coming = edits.filter(is_undone=True).order_by("number").first()
    return History(
        undo_label=last.get_kind_display() if last else "",
        redo_label=coming.get_kind_display() if coming else "",
    )


def imports_of(dataset: Dataset) -> QuerySet[DatasetImport]:
    """Imports into the dataset, newest first."""
    return dataset.imports.select_related("actor").order_by("-created_at", "-id")


def import_report(batch: DatasetImport) -> ImportReport:
    """The report of an import with its counts; one query."""
    return report_of(batch, batch.entries.select_related("item").order_by("pk"))


def import_reports(dataset: Dataset, *, limit: int) -> list[ImportReport]:
    """The reports of the newest imports; two queries."""
    rows = ImportEntry.objects.select_related("item").order_by("pk")
    batches = imports_of(dataset).prefetch_related(Prefetch("entries", rows))[:limit]
    return [report_of(batch, batch.entries.all()) for batch in batches]


def report_of(batch: DatasetImport, lines: Iterable[ImportEntry]) -> ImportReport:
    """Count the lines of an import, or of several that came together."""
    entries = tuple(lines)
    outcomes: dict[str, int] = {}
    problems: dict[str, int] = {}
    for entry in entries:
        outcomes[entry.outcome] = outcomes.get(entry.outcome, 0) + 1
        if entry.outcome == Outcome.ADDED and entry.item is not None:
            for problem in entry.item.problems:
                problems[problem] = problems.get(problem, 0) + 1
    return ImportReport(batch=batch, entries=entries, outcomes=outcomes, problems=problems)


def picture_hash(dataset: Dataset, name: str) -> str | None:
    """The SHA-256 of a picture by its file name, in whatever case, or the start of its hash."""
    present = Item.objects.filter(dataset=dataset).present()
    named = present.filter(filename__iexact=name)
    found = named if named.exists() or not is_hash(name) else _hashed(present, name)
    return found.order_by("position", "pk").values_list("blob__sha256", flat=True).first()


def _hashed(items: ItemQuerySet, digits: str) -> ItemQuerySet:
    return items.filter(blob__sha256__startswith=digits.lower())
