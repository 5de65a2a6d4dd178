"""Models of a list with the rows that they are printed from, before objects are made of these.

Whoever keeps what was printed compares the rows with those that it was printed from; only where
they differ, `complete` makes the objects that are printed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model as Row

from hub.core.lookups import row_of
from models_registry.catalogue_facts import (
    LISTED_COLUMNS,
    VersionRows,
    attach_rows,
    bases_of,
    rows_of_versions,
    tag_rows,
    version_rows,
)
from models_registry.catalogue_links import VersionLink, give_links, known_links, resource_rows
from models_registry.models.base_model import BaseModel
from models_registry.models.model import Model, Viewer
from models_registry.models.version import ModelVersion

MODEL, BASE = LISTED_COLUMNS.index("model_id"), LISTED_COLUMNS.index("base_model_id")
MADE_FROM = LISTED_COLUMNS.index("base_version_id")
EARLY = LISTED_COLUMNS.index("early_access_until")


@dataclass(slots=True)
class _Parts:
    """The rows of one model, each kind in its order."""

    tags: list[str]
    versions: list[tuple[Any, ...]]
    of_versions: VersionRows
    resources: list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model with everything that an answer about it is made of, as far as the viewer may know.

    Equal `source`s give equal answers, but for those that time changes (`is_lasting` is off): where
    a day of early access ends, and where addresses of pictures do.
    """

    model: Model
    parts: _Parts
    bases: Mapping[int, BaseModel]
    known: Mapping[int | None, VersionLink]
    source: tuple[Any, ...]

    @property
    def is_lasting(self) -> bool:
        """Whether the same rows always give the same answer."""
        return self.model.is_for_everyone and all(row[EARLY] is None for row in self.parts.versions)


def listed_models(models: Sequence[Model], viewer: Viewer) -> tuple[ListedModel, ...]:
    """The models with their rows, in a constant number of queries."""
    if not models:
        return ()
    parts = {model.pk: _Parts([], [], VersionRows.none(), []) for model in models}
    for model_id, name in tag_rows(parts):
        parts[model_id].tags.append(name)
    versions = version_rows(parts)
    of_version = {row[0]: parts[row[MODEL]] for row in versions}
    for row in versions:
        of_version[row[0]].versions.append(row)
    bases = bases_of(row[BASE] for row in versions)
    rows_of_versions(of_version).give_to(
        {key: found.of_versions for key, found in of_version.items()}
    )
    resources = resource_rows(of_version)
    for row in resources:
        of_version[row[0]].resources.append(row)
    wanted = {row[1] for row in resources} | {row[MADE_FROM] for row in versions}
    known = known_links(viewer, wanted)
    return tuple(
        ListedModel(model, own, bases, known, _source(model, own, bases, known))
        for model, own in ((model, parts[model.pk]) for model in models)
    )


def complete(listed: Iterable[ListedModel]) -> None:
    """Give the models their tags and `public_versions`, newest first, with all their facts."""
    for item in listed:
        model, parts = item.model, item.parts
        model.loaded_tags = parts.tags
        model.public_versions = [
            row_of(
                ModelVersion,
                LISTED_COLUMNS,
                row,
                model=model,
                base_model=item.bases.get(row[BASE]),
            )
            for row in parts.versions
        ]
        attach_rows(model.public_versions, parts.of_versions)
        give_links(model.public_versions, parts.resources, item.known)


def _source(
    model: Model,
    parts: _Parts,
    bases: Mapping[int, BaseModel],
    known: Mapping[int | None, VersionLink],
) -> tuple[Any, ...]:
    linked = [known.get(row[1]) for row in parts.resources]
    made_from = [known.get(row[MADE_FROM]) for row in parts.versions]
    own_bases = {row[BASE] for row in parts.versions if row[BASE]}
    return (
        _columns(model),
        _columns(model.owner),
        _columns(model.owner.avatar),
        [_columns(bases[key]) for key in sorted(own_bases)],
        parts.tags,
        parts.versions,
        *parts.of_versions,
        parts.resources,
        linked,
        made_from,
    )


def _columns(row: Row | None) -> dict[str, Any]:
    """All columns that were read: one that is printed one day is among them."""
    if row is None:
        return {}
    columns = row.__dict__.copy()
    del columns["_state"]
    return columns
