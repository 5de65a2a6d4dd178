"""The catalogue as programs read it: models with all their public versions and cleared files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from hub.accounts.models import User
from hub.core.errors import AtelierError, Invalid, NotFound
from hub.core.pagination import encode_cursor, keyset
from models_registry.filters import ORDERS, ModelFilters, Sort, filtered
from models_registry.models.file import ModelFile, ScanStatus
from models_registry.models.model import PUBLIC_STATES, Model, Viewer
from models_registry.models.recommendation import RecommendedResource, ResourceKind
from models_registry.models.tag import Tag
from models_registry.models.version import ModelVersion
from models_registry.queries import cover_rows, file_rows, tag_rows
from models_registry.services.download import check_download, choose_file


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """Models and the cursor of what comes next, None at the end."""

    items: tuple[Model, ...]
    next_cursor: str | None


Row = TypeVar("Row", User, Tag)


@dataclass(frozen=True)
class CountedPage(Generic[Row]):
    """A numbered page of rows with totals."""

    items: Sequence[Row]
    total_items: int


def catalogue_page(
    *,
    viewer: Viewer,
    filters: ModelFilters,
    sort: Sort,
    cursor: str | None = None,
    page: int | None = None,
    limit: int = 100,
) -> CataloguePage:
    """One page by cursor, or by number from 1; models without a cleared file are left out."""
    order = ORDERS[sort]
    models = _with_catalogue_facts(_offered(filtered(viewer, filters)))
    if limit == 0:
        return CataloguePage((), None)
    if page is None:
        found = keyset(models, order=order, cursor=cursor, limit=limit)
        return CataloguePage(found.items, found.next_cursor)
    start = (page - 1) * limit
    rows = list(models.order_by(*order)[start : start + limit + 1])
    kept = tuple(rows[:limit])
    values = [getattr(kept[-1], name.lstrip("-")) for name in order] if kept else []
    return CataloguePage(kept, encode_cursor(values) if len(rows) > limit else None)


def catalogue_model(*, viewer: Viewer, model_id: int) -> Model:
    """One public model with its public versions; NotFound when it is not visible."""
    models = Model.objects.reachable_by(viewer).published().filter(pk=model_id)
    model = _with_catalogue_facts(models).first()
    if model is None:
        raise NotFound(f"No model with id {model_id}")
    return model


def catalogue_version(*, viewer: Viewer, version_id: int) -> ModelVersion:
    """One public version, or what is left of it, with everything; NotFound when not visible."""
    versions = _with_version_facts(_visible_versions(viewer).filter(pk=version_id))
    version = _with_companions(versions, viewer).first()
    if version is None:
        raise NotFound("Model not found")
    return version


def catalogue_versions(*, viewer: Viewer, version_ids: Sequence[int]) -> list[ModelVersion]:
    """Public versions of these ids, in the order of the ids."""
    versions = _visible_versions(viewer).filter(pk__in=version_ids)
    rows = {row.pk: row for row in _with_companions(_with_version_facts(versions), viewer)}
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
    people = User.objects.filter(Exists(visible.filter(owner_id=OuterRef("pk"))))
    if query:
        people = people.filter(username__icontains=query)
    total = people.count()
    rows = (
        people.annotate(
            model_count=Count(
                "owned_models", filter=Q(owned_models__in=visible.values("pk")), distinct=True
            )
        )
        .select_related("avatar")
        .order_by("username", "pk")
    )
    return CountedPage(list(_slice(rows, page, limit)), total)


def model_tags(*, viewer: Viewer, query: str, page: int, limit: int) -> CountedPage[Tag]:
    """Tags of public models, most used first."""
    visible = Model.objects.listed_for(viewer).values("pk")
    tags = Tag.objects.filter(model_tags__model__in=visible)
    if query:
        tags = tags.filter(name__icontains=query)
    tags = tags.annotate(use_count=Count("model_tags__model_id", distinct=True))
    total = tags.count()
    return CountedPage(list(_slice(tags.order_by("-use_count", "name"), page, limit)), total)


def people(*, ids: Sequence[int], query: str, limit: int) -> list[User]:
    """People by id, or by a part of their name."""
    if not ids and not query:
        raise Invalid("Give ids or a query.")
    rows = User.objects.filter(is_active=True)
    rows = rows.filter(pk__in=ids) if ids else rows.filter(username__icontains=query)
    return list(rows.order_by("username", "pk")[:limit])


def _offered(models: QuerySet[Model]) -> QuerySet[Model]:
    clean = ModelFile.objects.filter(
        version__model_id=OuterRef("pk"),
        version__status__in=PUBLIC_STATES,
        scan_status=ScanStatus.SUCCESS,
    )
    return models.filter(Exists(clean), status__in=PUBLIC_STATES)


def _with_catalogue_facts(models: QuerySet[Model]) -> QuerySet[Model]:
    versions = ModelVersion.objects.published().order_by("-index", "-pk")
    return (
        models.defer("search", "search_words")
        .select_related("owner__avatar", "team")
        .prefetch_related(
            Prefetch("model_tags", tag_rows()),
            Prefetch("versions", _with_version_facts(versions), to_attr="public_versions"),  # type: ignore[no-redef]
        )
    )


def _with_version_facts(versions: QuerySet[ModelVersion]) -> QuerySet[ModelVersion]:
    clean = file_rows().filter(scan_status=ScanStatus.SUCCESS)
    return versions.select_related("base_model").prefetch_related(
        Prefetch("files", clean, to_attr="clean_files"),  # type: ignore[no-redef]
        Prefetch("covers", cover_rows()),
        "example_prompts",
        "tombstone__files__hashes",
        "trigger_word_sets__words",
    )


def _visible_versions(viewer: Viewer) -> QuerySet[ModelVersion]:
    versions = ModelVersion.objects.reachable_by(viewer).known()
    return versions.select_related("model__owner", "model__team", "tombstone").defer(
        "model__search"
    )


def _with_companions(versions: QuerySet[ModelVersion], viewer: Viewer) -> QuerySet[ModelVersion]:
    """Also the VAEs that go with them, where the viewer may see these; others become None."""
    vaes = _with_version_facts(ModelVersion.objects.visible_to(viewer).published())
    linked = (
        RecommendedResource.objects.filter(kind=ResourceKind.VAE)
        .order_by("position", "pk")
        .prefetch_related(Prefetch("resource_version", vaes.select_related("model")))
    )
    return versions.prefetch_related(Prefetch("recommended_resources", linked, to_attr="vae_links"))  # type: ignore[no-redef]


def _slice(rows: QuerySet[Any], page: int, limit: int) -> QuerySet[Any]:
    start = (page - 1) * limit
    return rows[start : start + limit]
