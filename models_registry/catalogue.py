"""The catalogue as programs read it: models with all their public versions and cleared files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import (
    Count,
    Exists,
    F,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    prefetch_related_objects,
)
from django.db.models.functions import Coalesce

from hub.accounts.models import User
from hub.core.errors import AtelierError, Invalid, NotFound
from hub.core.kept_queries import KeptRows
from hub.core.lookups import among
from hub.core.pagination import encode_cursor, keyset, rows_of_slice
from models_registry.catalogue_facts import attach_facts, attach_tags, printed_columns
from models_registry.catalogue_links import attach_links
from models_registry.catalogue_rows import (
    STAMP,
    ListedModel,
    Remembered,
    complete,
    listed_models,
)
from models_registry.filters import ORDERS, ModelFilters, Sort, listed
from models_registry.kept_counts import GUEST, ranked_tags, seen_beside
from models_registry.models.model import ONLY_ASKED, PUBLIC_STATES, Model, Viewer
from models_registry.models.recommendation import RecommendedResource, ResourceKind
from models_registry.models.tag import Tag
from models_registry.models.version import ModelVersion
from models_registry.services.download import check_download, choose_file


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """Models and the cursor of what comes next, None at the end."""

    items: tuple[Model, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class CatalogueList:
    """Models with their rows, and the cursor of what comes next, None at the end."""

    items: tuple[ListedModel, ...]
    next_cursor: str | None


Row = TypeVar("Row", User, Tag)


@dataclass(frozen=True)
class CountedPage(Generic[Row]):
    """A numbered page of rows with totals."""

    items: Sequence[Row]
    total_items: int


def catalogue_list(
    *,
    viewer: Viewer,
    filters: ModelFilters,
    sort: Sort,
    cursor: str | None = None,
    page: int | None = None,
    limit: int = 100,
    remembered: Remembered | None = None,
) -> CatalogueList:
    """One page by cursor, or by number from 1; models without a cleared file are left out.

    What is to be printed of them needs `catalogue_rows.complete` before; see there for
    `remembered`.
    """
    order = ORDERS[sort]
    models = _offered(listed(viewer, filters, is_ranked=sort is Sort.RELEVANCE))
    if limit == 0:
        return CatalogueList((), None)
    if page is None:
        found = keyset(models, order=order, cursor=cursor, limit=limit, load=_rows)
        return CatalogueList(listed_models(found.items, viewer, remembered), found.next_cursor)
    start = (page - 1) * limit
    ordered = models.order_by(*order)
    rows = rows_of_slice(ordered, ordered, start=start, stop=start + limit + 1, load=_rows)
    kept = rows[:limit]
    values = [getattr(kept[-1], name.lstrip("-")) for name in order] if kept else []
    following = encode_cursor(values) if len(rows) > limit else None
    return CatalogueList(listed_models(kept, viewer, remembered), following)


def catalogue_page(
    *, viewer: Viewer, filters: ModelFilters, sort: Sort, limit: int = 100
) -> CataloguePage:
    """The first models of a list, with everything that belongs to them."""
    found = catalogue_list(viewer=viewer, filters=filters, sort=sort, limit=limit)
    complete(found.items, viewer)
    return CataloguePage(tuple(item.model for item in found.items), found.next_cursor)


def catalogue_model(*, viewer: Viewer, model_id: int) -> Model:
    """One public model with its public versions; NotFound when it is not visible."""
    models = Model.objects.reachable_by(viewer).published().filter(pk=model_id)
    model = _with_versions(models).first()
    if model is None:
        raise NotFound(f"No model with id {model_id}")
    attach_tags([model])
    versions = printed_columns(ModelVersion.objects.published().filter(model=model))
    model.public_versions = list(versions.order_by("-index", "-pk"))
    for row in model.public_versions:
        row.model = model
    attach_facts(model.public_versions)
    attach_links(model.public_versions, viewer)
    return model


def catalogue_version(*, viewer: Viewer, version_id: int) -> ModelVersion:
    """One public version, or what is left of it, with everything; NotFound when not visible."""
    version = _visible_versions(viewer).filter(pk=version_id).first()
    if version is None:
        raise NotFound("Model not found")
    _complete_versions([version], viewer)
    return version


def catalogue_versions(*, viewer: Viewer, version_ids: Sequence[int]) -> list[ModelVersion]:
    """Public versions of these ids, in the order of the ids."""
    found = list(_visible_versions(viewer).filter(pk__in=version_ids))
    _complete_versions(found, viewer)
    rows = {row.pk: row for row in found}
    return [rows[version_id] for version_id in version_ids if version_id in rows]


def downloadable_versions(*, viewer: Viewer, version_ids: Sequence[int]) -> set[int]:
    """Those of these versions whose first file the viewer may download now."""
    rows = _visible_versions(viewer).filter(pk__in=version_ids).prefetch_related("files")
    return {row.pk for row in rows if _may_download(viewer, row)}


def _may_download(viewer: Viewer, version: ModelVersion) -> bool:
    try:
        file = choose_file(version)
        check_download(viewer=viewer, file=file)
    except AtelierError:
        return False
    return True


def creators(*, viewer: Viewer, query: str, page: int, limit: int) -> CountedPage[User]:
    """People with public models, by name, with `model_count`."""
    visible = Model.objects.listed_for(viewer)
    people = User.objects.filter(_has_models(viewer))
    if query:
        people = people.filter(username__icontains=query)
    total = people.count()
    found = list(_slice(people.select_related("avatar").order_by("username", "pk"), page, limit))
    # Of each by itself: of two hundred people at once PostgreSQL would read all models of the hub.
    own = visible.filter(owner_id=OuterRef("pk")).order_by().values("owner_id")
    count = Coalesce(Subquery(own.annotate(n=Count("pk")).values("n")), 0)
    shown = User.objects.filter(pk__in=[person.pk for person in found]).order_by()
    counts = dict(shown.values_list("pk", count))
    for person in found:
        person.model_count = counts[person.pk]
    return CountedPage(found, total)


def _has_models(viewer: Viewer) -> Q:
    """People whose models the viewer finds: of each person one model for everyone is enough.

    Behind the whole rule of visibility, PostgreSQL would read all models instead.
    """
    if viewer.is_authenticated and viewer.is_superuser:
        return Q(Exists(Model.objects.listed_for(viewer).filter(owner_id=OuterRef("pk"))))
    for_all = Exists(Model.objects.listed_for(GUEST).filter(owner_id=OuterRef("pk")))
    if not viewer.is_authenticated:
        return Q(for_all)
    beside = set(seen_beside(viewer).order_by().values_list("owner_id", flat=True))
    return Q(for_all) | Q(pk__in=beside)


def model_tags(*, viewer: Viewer, query: str, page: int, limit: int) -> CountedPage[Tag]:
    """Tags of models that the viewer finds, most used first.

    Their order may be minutes old; a name that only hidden models are left with is no more shown,
    nor counted where it would be.
    """
    ranked = ranked_tags(viewer)
    wanted = query.lower()
    names = [name for name in ranked if wanted in name]
    start = (page - 1) * limit
    shown = names[start : start + limit]
    tagged = Model.objects.listed_for(viewer).filter(model_tags__tag_id=OuterRef("pk")).order_by()
    # One row for each name: as a join, PostgreSQL would read the tags of all models.
    in_use = Tag.objects.alias(found=Subquery(tagged.values("pk")[:1])).filter(found__isnull=False)
    rows = {tag.name: tag for tag in in_use.filter(name__in=shown)}
    items = [rows[name] for name in shown if name in rows]
    return CountedPage(items, len(names) - len(shown) + len(items))


def people(*, ids: Sequence[int], query: str, limit: int) -> list[User]:
    """People by id, or by a part of their name."""
    if not ids and not query:
        raise Invalid("Give ids or a query.")
    rows = User.objects.filter(is_active=True)
    rows = rows.filter(pk__in=ids) if ids else rows.filter(username__icontains=query)
    return list(rows.order_by("username", "pk")[:limit])


def _offered(models: QuerySet[Model]) -> QuerySet[Model]:
    """Those with something to download; which files these are is read from their rows."""
    return models.filter(status__in=PUBLIC_STATES).exclude(file_kinds=[])


def _with_versions(models: QuerySet[Model]) -> QuerySet[Model]:
    return models.defer(*ONLY_ASKED).select_related("owner__avatar", "team")


def _visible_versions(viewer: Viewer) -> QuerySet[ModelVersion]:
    versions = printed_columns(ModelVersion.objects.reachable_by(viewer).known())
    return versions.select_related("model__owner", "model__team", "tombstone").defer(
        *(f"model__{name}" for name in ONLY_ASKED), "model__description"
    )


def _complete_versions(versions: Sequence[ModelVersion], viewer: Viewer) -> None:
    """Facts of the versions, and of the VAEs that go with them where the viewer may see these."""
    attach_facts(versions)
    attach_links(versions, viewer)
    vaes = printed_columns(ModelVersion.objects.visible_to(viewer).published())
    linked = (
        RecommendedResource.objects.filter(kind=ResourceKind.VAE)
        .order_by("position", "pk")
        .prefetch_related(Prefetch("resource_version", vaes.select_related("model")))
    )
    prefetch_related_objects(
        versions, Prefetch("recommended_resources", linked, to_attr="vae_links")
    )
    links = [row.resource_version for version in versions for row in version.vae_links]
    attach_facts([vae for vae in links if vae is not None])


def _slice(rows: QuerySet[Any], page: int, limit: int) -> QuerySet[Any]:
    start = (page - 1) * limit
    return rows[start : start + limit]


_rows = KeptRows(
    lambda keys: _with_versions(
        Model.objects.filter(among("pk", keys)).annotate(**{STAMP: F("stamp__value")})
    )
)
