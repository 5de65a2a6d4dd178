"""Where versions of the catalogue lead to: what goes with them, and what they were made from.

Only to what the reader may know of. A row of what goes with a version repeats the name of what it
links to, so one that leads to a hidden version is left out whole.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

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


_resources = KeyedRows(
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
    rows = _resources(row.pk for row in versions)
    wanted: set[int | None] = {target for _key, target, *_facts in rows}
    wanted |= {version.base_version_id for version in versions}
    known = _known(viewer, [key for key in wanted if key is not None])
    resources: dict[int, list[ResourceFacts]] = defaultdict(list)
    for version_id, target, kind, name, weight in rows:
        link = known.get(target)
        if target is None or link is not None:
            resources[version_id].append(ResourceFacts(kind, name, weight, link))
    for version in versions:
        version.links = VersionLinks(
            tuple(resources[version.pk]), known.get(version.base_version_id)
        )


def _known(viewer: Viewer, keys: list[int]) -> dict[int | None, VersionLink]:
    """Those of these versions that the viewer may know of, by id."""
    if not keys:
        return {}
    rows = ModelVersion.objects.visible_to(viewer).filter(pk__in=keys)
    return {pk: VersionLink(pk, model_id) for pk, model_id in rows.values_list("pk", "model_id")}
