"""Models of a list, and the rows that they are printed from where those are not known already.

Whoever keeps what was printed tells what it was made of. Of a model whose own row and whose stamp
are as they were then, no version, file, hash, picture or word is read; `complete` makes the objects
of all others.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from django.db.models import Model as Row

from hub.accounts.models import User
from hub.core.lookups import row_of
from hub.storage.models import Blob
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
from models_registry.models.model import ONLY_ASKED, Model, Viewer
from models_registry.models.version import ModelVersion

MODEL, BASE = LISTED_COLUMNS.index("model_id"), LISTED_COLUMNS.index("base_model_id")
MADE_FROM = LISTED_COLUMNS.index("base_version_id")
EARLY = LISTED_COLUMNS.index("early_access_until")
#: Name of the stamp on models of a list, whose query annotates it; None where there is none.
STAMP = "stamp_value"


@dataclass(frozen=True, slots=True)
class Needs:
    """What an answer is made of that stands in no row of its model: by key, in one order."""

    bases: tuple[int, ...]
    leads_to: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Everything that an answer is made of: equal ones give equal answers, to whomever.

    `own` is the row of the model with its owner's, and the stamp of all rows that belong to it;
    `shared` are base models, and which of the versions that it leads to the reader may know of.
    """

    own: tuple[Any, ...]
    needs: Needs
    shared: tuple[Any, ...]


#: What was made of a model with this `own` before; None where nothing is known of it.
Remembered = Callable[[int, tuple[Any, ...]], Needs | None]


@dataclass(slots=True)
class _Parts:
    """The rows of one model, each kind in its order."""

    tags: list[str]
    versions: list[tuple[Any, ...]]
    of_versions: VersionRows
    resources: list[tuple[Any, ...]]

    def needs(self) -> Needs:
        led = (*(row[1] for row in self.resources), *(row[MADE_FROM] for row in self.versions))
        return Needs(
            bases=tuple(sorted({row[BASE] for row in self.versions if row[BASE] is not None})),
            leads_to=tuple(dict.fromkeys(key for key in led if key is not None)),
        )


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model of a list as far as the viewer may know; without `parts`, its rows were not read.

    `is_lasting` is off for answers that time changes: where a day of early access ends, and where
    addresses of pictures do.
    """

    model: Model
    source: Source
    parts: _Parts | None
    bases: Mapping[int, BaseModel]
    known: Mapping[int | None, VersionLink]
    is_lasting: bool


def listed_models(
    models: Sequence[Model], viewer: Viewer, remembered: Remembered | None = None
) -> tuple[ListedModel, ...]:
    """The models, in a constant number of queries; see `catalogue_rows` for what is not read.

    Stamps come with the models, so before their rows: a change between the two queries gives new
    rows an old stamp, and they are read again the next time.
    """
    own = {model.pk: _own(model) for model in models}
    needs = {key: remembered(key, own[key]) for key in own} if remembered else {}
    parts = _parts_of(key for key in own if needs.get(key) is None)
    wanted = {key: needs.get(key) or parts[key].needs() for key in own}
    bases = bases_of(key for need in wanted.values() for key in need.bases)
    of_base = {key: _columns(base) for key, base in bases.items()}
    known = known_links(viewer, {key for need in wanted.values() for key in need.leads_to})
    return tuple(
        ListedModel(
            model,
            Source(own[model.pk], need, _shared(need, of_base, known)),
            read := parts.get(model.pk),
            bases,
            known,
            is_lasting=own[model.pk][0] is not None
            and model.is_for_everyone
            and (read is None or all(row[EARLY] is None for row in read.versions)),
        )
        for model, need in ((model, wanted[model.pk]) for model in models)
    )


def complete(listed: Iterable[ListedModel], viewer: Viewer) -> list[ListedModel]:
    """Give the models their tags and `public_versions`, newest first, with all their facts.

    Rows that were not read are read now; what is returned says what it was made of.
    """
    found = list(listed)
    unread = [item.model for item in found if item.parts is None]
    fresh = {item.model.pk: item for item in listed_models(unread, viewer)} if unread else {}
    found = [fresh.get(item.model.pk, item) for item in found]
    for item in found:
        _complete(item)
    return found


def _complete(item: ListedModel) -> None:
    model, parts = item.model, item.parts
    if parts is None:
        raise ValueError("the rows of this model were not read")
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


def _parts_of(models: Iterable[int]) -> dict[int, _Parts]:
    """All rows of these models, in eight queries at most."""
    parts = {key: _Parts([], [], VersionRows.none(), []) for key in models}
    if not parts:
        return {}
    for model_id, name in tag_rows(parts):
        parts[model_id].tags.append(name)
    versions = version_rows(parts)
    of_version = {row[0]: parts[row[MODEL]] for row in versions}
    for row in versions:
        of_version[row[0]].versions.append(row)
    rows_of_versions(of_version).give_to(
        {key: found.of_versions for key, found in of_version.items()}
    )
    for row in resource_rows(of_version):
        of_version[row[0]].resources.append(row)
    return parts


def _shared(
    needs: Needs,
    of_base: Mapping[int, dict[str, Any]],
    known: Mapping[int | None, VersionLink],
) -> tuple[Any, ...]:
    return (
        *(of_base.get(key) for key in needs.bases),
        *(known.get(key) for key in needs.leads_to),
    )


def _own(model: Model) -> tuple[Any, ...]:
    """The stamp, and all columns that were read: one that is printed one day is among them."""
    owner = model.owner
    avatar = _BLOB(owner.avatar.__dict__) if owner.avatar else None
    return model.__dict__.get(STAMP), _MODEL(model.__dict__), _OWNER(owner.__dict__), avatar


def _columns(row: Row) -> dict[str, Any]:
    columns = row.__dict__.copy()
    del columns["_state"]
    return columns


def _values(model: type[Row], *left_out: str) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    names = (field.attname for field in model._meta.concrete_fields)
    return itemgetter(*(name for name in names if name not in left_out))


_MODEL, _OWNER, _BLOB = _values(Model, *ONLY_ASKED), _values(User), _values(Blob)
