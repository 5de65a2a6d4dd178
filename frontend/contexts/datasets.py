"""What the dataset pages show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext as _

from frontend.contexts.components import Picture
from hub.accounts.models import Team, User
from hub.storage.pictures import picture_url
from training.datasets.models.dataset import Dataset
from training.datasets.models.importing import (
    DatasetImport,
    ImportEntry,
    ImportStatus,
    Note,
    Outcome,
)
from training.datasets.models.item import Item, Problem
from training.datasets.models.tagging import TaggingRun, TaggingStatus
from training.datasets.permissions import can_delete_dataset, can_edit_dataset
from training.datasets.queries import (
    History,
    ImportReport,
    covers_of,
    datasets_of,
    history_of,
    import_reports,
    items_of,
    items_page,
    problem_counts,
    report_of,
    tag_frequencies,
)

THUMB_WIDTH = 320
PREVIEW_WIDTH = 450
ITEMS_A_PAGE = 500
IMPORTS_SHOWN = 12
IMPORTS_LOOKED_AT = 300
#: Files of one folder come one by one: those that follow each other this closely are one line.
TOGETHER = timedelta(seconds=20)
OPEN_STATES = (ImportStatus.WAITING, ImportStatus.READING)
GOOD_OUTCOMES = {Outcome.ADDED, Outcome.CAPTION}


@dataclass(frozen=True, slots=True)
class DatasetCard:
    """One dataset in the list."""

    dataset: Dataset
    url: str
    covers: list[Picture]


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One file of an import: what became of it and why, in the reader's language."""

    name: str
    said: str


@dataclass(frozen=True, slots=True)
class ImportCard:
    """One import, or the files of one folder, with its sentence and the files that need a word."""

    title: str
    created_at: datetime
    is_running: bool
    has_failed: bool
    summary: str
    entries: list[EntryRow]


@dataclass(frozen=True, slots=True)
class DatasetPicture:
    """One picture of the page, leading to its crop."""

    picture: Picture
    crop_url: str
    is_cropped: bool


@dataclass(frozen=True, slots=True)
class DatasetContext:
    """`/datasets/<slug>/`: import, checks and pictures."""

    dataset: Dataset
    can_edit: bool
    can_delete: bool
    pictures: list[DatasetPicture]
    problems: list[tuple[str, str, int]]
    imports: list[ImportCard]
    is_importing: bool
    tag_count: int


def dataset_cards(viewer: User, team: Team) -> list[DatasetCard]:
    """The team's datasets with their first pictures; three queries."""
    datasets = list(datasets_of(viewer, team=team))
    covers = covers_of(datasets)
    return [
        DatasetCard(
            dataset=dataset,
            url=reverse("dataset", args=[dataset.slug]),
            covers=[item_picture(item) for item in covers[dataset.pk]],
        )
        for dataset in datasets
    ]


def dataset_context(viewer: User, dataset: Dataset) -> DatasetContext:
    """One dataset's page."""
    imports = import_cards(import_reports(dataset, limit=IMPORTS_LOOKED_AT))
    counts = problem_counts(dataset)
    labels = {str(problem.value): str(problem.label) for problem in Problem}
    return DatasetContext(
        dataset=dataset,
        can_edit=can_edit_dataset(viewer, dataset),
        can_delete=can_delete_dataset(viewer, dataset),
        pictures=list(_pictures(dataset)),
        problems=[(name, labels[name], count) for name, count in counts.items() if count],
        imports=imports,
        is_importing=any(card.is_running for card in imports),
        tag_count=len(tag_frequencies(dataset)),
    )


def _pictures(dataset: Dataset) -> Iterator[DatasetPicture]:
    crop = reverse("dataset_crop", args=[dataset.slug])
    for item in items_of(dataset)[:ITEMS_A_PAGE]:
        address = f"{crop}?image={item.pk}"
        yield DatasetPicture(item_picture(item), address, item.crop is not None)


def import_cards(reports: Sequence[ImportReport]) -> list[ImportCard]:
    """Imports as sentences, newest first; files that were sent together share one."""
    groups: list[list[ImportReport]] = []
    for report in reports:
        if groups and _belong_together(groups[-1][-1].batch, report.batch):
            groups[-1].append(report)
        else:
            groups.append([report])
    return [_import_card(group) for group in groups[:IMPORTS_SHOWN]]


def _belong_together(later: DatasetImport, earlier: DatasetImport) -> bool:
    if later.actor_id != earlier.actor_id or later.created_at - earlier.created_at > TOGETHER:
        return False
    folders = {name.partition("/")[0] for name in (later.filename, earlier.filename) if "/" in name}
    names = (later.filename, earlier.filename)
    is_of_one_folder = len(folders) == 1 and all("/" in name for name in names)
    return is_of_one_folder or not any(name.lower().endswith(".zip") for name in names)


def _import_card(group: Sequence[ImportReport]) -> ImportCard:
    """One sentence for all; only files that did not simply come in are listed."""
    newest = group[0].batch
    report = report_of(newest, (entry for one in group for entry in one.entries))
    folders = {one.batch.filename.partition("/")[0] for one in group}
    title = newest.filename
    if len(group) > 1:
        count = ngettext("%(n)d file", "%(n)d files", len(group)) % {"n": len(group)}
        title = count if len(folders) > 1 else f"{folders.pop()} · {count}"
    failed = next((one.batch.error_message for one in group if one.batch.error_message), "")
    return ImportCard(
        title=title,
        created_at=newest.created_at,
        is_running=any(one.batch.status in OPEN_STATES for one in group),
        has_failed=bool(failed),
        summary=_summary(report.outcomes, report.problems, failed=failed),
        entries=[_entry_row(entry) for entry in report.entries if _needs_a_word(entry)],
    )


def _needs_a_word(entry: ImportEntry) -> bool:
    return entry.outcome not in GOOD_OUTCOMES or bool(entry.notes)


def _entry_row(entry: ImportEntry) -> EntryRow:
    notes = [str(Note(name).label) for name in entry.notes]
    reason = [gettext(entry.message)] if entry.message else []
    return EntryRow(entry.name, " · ".join([entry.get_outcome_display(), *notes, *reason]))


def item_picture(item: Item, width: int = THUMB_WIDTH) -> Picture:
    """A picture of a dataset; its address ends after a day or two."""
    return Picture(
        src=picture_url(item.blob, width),
        width=item.width,
        height=item.height,
        alt=item.filename,
        placeholder=item.placeholder,
        average_colour=item.average_colour,
    )


def editor_data(viewer: User, dataset: Dataset, *, cursor: str | None = None) -> dict[str, Any]:
    """What the tag editor's script works on: one page of pictures with tags, and undo."""
    page = items_page(dataset, cursor=cursor, limit=ITEMS_A_PAGE)
    return {
        "slug": dataset.slug,
        "trigger": dataset.trigger_word,
        "canEdit": can_edit_dataset(viewer, dataset),
        "items": [item_data(item) for item in page.items],
        "next": page.next_cursor,
        "urls": {
            "items": reverse("dataset_items", args=[dataset.slug]),
            "command": reverse("dataset_command", args=[dataset.slug]),
            "auto": reverse("dataset_auto_tag", args=[dataset.slug]),
            "socket": f"/ws/datasets/{dataset.pk}/",
        },
        **history_data(history_of(dataset, viewer)),
    }


def item_data(item: Item) -> dict[str, Any]:
    """One picture for the script."""
    return {
        "id": str(item.pk),
        "name": item.filename,
        "src": picture_url(item.blob, THUMB_WIDTH),
        "large": picture_url(item.blob, PREVIEW_WIDTH),
        "w": item.width,
        "h": item.height,
        "tags": item.tag_texts,
        "text": item.caption_text if item.caption_style == "text" else "",
        "problems": item.problems,
        "repeats": item.repeats,
    }


def history_data(history: History) -> dict[str, str]:
    """What undo and redo would do."""
    return {"undo": history.undo_label, "redo": history.redo_label}


def tagging_data(run: TaggingRun | None) -> dict[str, Any]:
    """How far a tagging run is; without one, as if it were long over."""
    if run is None:
        return {"status": TaggingStatus.DONE, "done": 0, "total": 0, "error": ""}
    return {
        "status": run.status,
        "done": len(run.found),
        "total": len(run.items),
        "error": run.error_message,
    }


def editor_words() -> dict[str, str]:
    """Sentences of the tag editor's script."""
    return {
        "saved": _("All saved"),
        "saving": _("Saving"),
        "waiting": _("Not saved, {n} changes waiting. Retrying"),
        "waiting_one": _("Not saved, {n} change waiting. Retrying"),
        "signed_out": _("Signed out. Not saved yet: {n}"),
        "only": _("Show only images with {tag}"),
        "hide": _("Hide images with {tag}"),
        "filter": _("Only images with {tag}"),
        "without": _("Hiding images with {tag}"),
        "selected": _("{n} images selected"),
        "none_selected": _("Nothing selected"),
        "some": _("on {a} of {b}"),
        "all": _("Put on all {n}"),
        "remove": _("Remove {tag}"),
        "added": _("Added {tag} to {n} images"),
        "added_one": _("Added {tag} to {n} image"),
        "removed": _("Removed {tag} from {n} images"),
        "removed_one": _("Removed {tag} from {n} image"),
        "replaced": _("Replaced {tag} on {n} images"),
        "replaced_one": _("Replaced {tag} on {n} image"),
        "caption_saved": _("Caption saved"),
        "caption_gone": _("Caption taken away, the tags count again"),
        "count": _("{n} images"),
        "count_one": _("{n} image"),
        "tagging": _("Tagging, {done} of {total}"),
        "tagged": _("The tagger is done"),
        "editing": _("{who} is at {name}"),
        "taken_out": _("{n} images taken out"),
        "taken_out_one": _("{n} image taken out"),
        "undone": _("Undone"),
        "redone": _("Done again"),
        "none": _("No image matches. Take a filter away."),
        "trigger": _("Trigger word"),
        "too_small": _("Too small"),
        "look_alike": _("Look-alike"),
        "no_tags": _("No tags"),
        "key_add": _("Add a tag"),
        "key_filter": _("Filter tags"),
        "key_hide": _("Hide the focused tag"),
        "key_next": _("Next image with a problem"),
        "key_previous": _("Previous image with a problem"),
    }


def _summary(outcomes: dict[str, int], problems: dict[str, int], *, failed: str) -> str:
    if failed:
        return failed
    parts = []
    added = outcomes.get(Outcome.ADDED, 0)
    parts.append(ngettext("%(n)d added", "%(n)d added", added) % {"n": added})
    for outcome, label in Outcome.choices:
        count = outcomes.get(outcome, 0)
        if count and outcome != Outcome.ADDED:
            parts.append(_("%(label)s: %(n)d") % {"label": label, "n": count})
    for problem, label in Problem.choices:
        if problems.get(problem):
            parts.append(_("%(label)s: %(n)d") % {"label": label, "n": problems[problem]})
    return " · ".join(parts)
