"""Everything that a version's page prints, in queries that are put together once."""

from collections.abc import Collection, Iterable

from django.db.models import Q, QuerySet, prefetch_related_objects

from hub.accounts.kept_queries import RowsForViewer
from hub.accounts.models import Membership
from hub.core.kept_queries import KeptRows, attach_rows
from hub.core.lookups import among
from models_registry.models.cover import VersionCover
from models_registry.models.file import ModelFile, ScanStatus
from models_registry.models.file_hash import ModelFileHash
from models_registry.models.model import Viewer
from models_registry.models.recommendation import ExamplePrompt, RecommendedResource
from models_registry.models.review import Review
from models_registry.models.version import ModelVersion
from models_registry.models.words import TriggerWord, TriggerWordSet


def file_rows() -> QuerySet[ModelFile]:
    """Files with blob and hashes, the primary one first."""
    return _joined_files().prefetch_related("hashes")


def files_known_to(viewer: Viewer) -> Q:
    """Checked files, and for the people of their model also those that wait for the check."""
    checked = Q(scan_status__in=[ScanStatus.SUCCESS, ScanStatus.DANGER])
    if not viewer.is_authenticated:
        return checked
    if viewer.is_superuser:
        return Q()
    teams = Membership.objects.filter(user_id=viewer.pk).values("team_id")
    return checked | Q(version__model__owner_id=viewer.pk) | Q(version__model__team_id__in=teams)


def cover_rows() -> QuerySet[VersionCover]:
    """Covers with their blobs, in order."""
    return VersionCover.objects.select_related("blob").order_by("position", "pk")


def attach_details(versions: Collection[ModelVersion], viewer: Viewer) -> None:
    """Everything of these versions, without links to versions that the viewer may not see.

    Of a hundred, hardly one is a tombstone, and few have words in sets or go with something.
    """
    keys = [version.pk for version in versions]
    if not keys:
        return
    files = _files(viewer, keys)
    attach_rows(versions, "files", files)
    if files:
        attach_rows(files, "hashes", _hashes([file.pk for file in files]))
    attach_rows(versions, "covers", _covers(keys))
    attach_rows(versions, "example_prompts", _examples(keys))
    resources = _resources(viewer, keys)
    attach_rows(versions, "recommended_resources", resources)
    attach_links(resources, "resource_version", viewer)
    attach_links(versions, "base_version", viewer)
    sets = _word_sets(keys)
    attach_rows(versions, "trigger_word_sets", sets)
    if sets:
        attach_rows(sets, "words", _words([word_set.pk for word_set in sets]))
    buried = [version for version in versions if version.is_tombstone]
    prefetch_related_objects(buried, "tombstone__removed_by", "tombstone__files__hashes")


def attach_links(
    rows: Iterable[ModelVersion | RecommendedResource | Review], name: str, viewer: Viewer
) -> None:
    """Tie the versions that a column of the rows names; None where the viewer may not see one."""
    linked = {row: getattr(row, f"{name}_id") for row in rows}
    keys = {key for key in linked.values() if key is not None}
    found = {version.pk: version for version in _linked(viewer, keys)} if keys else {}
    for row, key in linked.items():
        row._state.fields_cache[name] = found.get(key)


def _joined_files() -> QuerySet[ModelFile]:
    files = ModelFile.objects.select_related("blob", "conversion__result")
    return files.order_by("-is_primary", "pk")


def _resources_known_to(viewer: Viewer) -> QuerySet[RecommendedResource]:
    """Without rows that lead to a hidden version: a row repeats the name of what it links to."""
    visible = ModelVersion.objects.visible_to(viewer)
    known = Q(resource_version=None) | Q(resource_version__in=visible)
    return RecommendedResource.objects.filter(known).order_by("position", "pk")


_files = RowsForViewer(
    lambda viewer, versions: _joined_files().filter(
        files_known_to(viewer), among("version", versions)
    )
)
_hashes = KeptRows(lambda files: ModelFileHash.objects.filter(among("file", files)))
_covers = KeptRows(lambda versions: cover_rows().filter(among("version", versions)))
_examples = KeptRows(
    lambda versions: (
        ExamplePrompt.objects.filter(among("version", versions))
        .select_related("cover__blob")
        .order_by("position", "pk")
    )
)
_resources = RowsForViewer(
    lambda viewer, versions: _resources_known_to(viewer).filter(among("version", versions))
)
_linked = RowsForViewer(
    lambda viewer, versions: (
        ModelVersion.objects.visible_to(viewer)
        .filter(among("pk", versions))
        .select_related("model", "base_model")
    )
)
_word_sets = KeptRows(lambda versions: TriggerWordSet.objects.filter(among("version", versions)))
_words = KeptRows(lambda sets: TriggerWord.objects.filter(among("set", sets)))
