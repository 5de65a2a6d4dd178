"""Where versions of the catalogue lead to: what goes with them, and what they were made from.

Only to what the reader may know of. A row of what goes with a version repeats the name of what it
links to, so one that leads to a hidden version is left out whole.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hub.core.lookups import KeyedRows, among
from models_registry.models.model import Viewer
from models_registry.models.recommendation import RecommendedResource
from models_registry.models.version import ModelVersion


@dataclass(frozen=True, slots=True)
class VersionLink:
    """A version here, and its model."""

    version_id: int
    model_id: int


@dataclass(frozen=True, slots=True)
class ResourceFacts:
    """Something that goes with a version; without a link it is a name known elsewhere."""

    kind: str
    name: str
    weight: Decimal | None
    link: VersionLink | None


@dataclass(frozen=True, slots=True)
class VersionLinks:
    """What goes with a version, in order, and the version that it was made from."""

    resources: tuple[ResourceFacts, ...] = ()
    base: VersionLink | None = None


resource_rows = KeyedRows(
    lambda versions: (
        RecommendedResource.objects.filter(among("version", versions))
        .order_by("position", "pk")
        .values_list("version_id", "resource_version_id", "kind", "name", "weight")
    )
)


def attach_links(versions: Sequence[ModelVersion], viewer: Viewer) -> None:
    """Give every version its `links`, in two queries."""
    if not versions:
        return
    rows = resource_rows(row.pk for row in versions)
    wanted = {row[1] for row in rows} | {version.base_version_id for version in versions}
    give_links(versions, rows, known_links(viewer, wanted))


def give_links(
    versions: Sequence[ModelVersion],
    rows: Iterable[tuple[Any, ...]],
    known: Mapping[int | None, VersionLink],
) -> None:
    """Give every version its `links`, made of the rows of what goes with it."""
    resources: dict[int, list[ResourceFacts]] = defaultdict(list)
    for version_id, target, kind, name, weight in rows:
        link = known.get(target)
        if target is None or link is not None:
            resources[version_id].append(ResourceFacts(kind, name, weight, link))
    for version in versions:
        version.links = VersionLinks(
            tuple(resources[version.pk]), known.get(version.base_version_id)
        )


def known_links(viewer: Viewer, wanted: Iterable[int | None]) -> dict[int | None, VersionLink]:
    """Those of these versions that the viewer may know of, by id."""
    keys = [key for key in wanted if key is not None]
    if not keys:
        return {}
    rows = ModelVersion.objects.visible_to(viewer).filter(pk__in=keys)
    return {pk: VersionLink(pk, model_id) for pk, model_id in rows.values_list("pk", "model_id")}
