"""Reads of the registry: lists, one model, versions by id and by hash, in constant query counts."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from hub.accounts.kept_queries import RowsForViewer
from hub.core.errors import NotFound
from hub.core.kept_queries import KeptRows
from hub.core.lookups import among
from hub.core.pagination import Page, first_page, keyset
from models_registry.card_facts import NOT_ON_CARDS, attach_card_facts
from models_registry.catalogue_facts import attach_tags
from models_registry.engagement_queries import Standing, standing_of
from models_registry.filters import ORDERS, ModelFilters, Sort, listed
from models_registry.hash_lookup import match_hash
from models_registry.models.base_model import BaseModel
from models_registry.models.bookmark import Bookmark
from models_registry.models.conversion import FileConversion
from models_registry.models.cover import VersionCover
from models_registry.models.file import ModelFile
from models_registry.models.model import ONLY_ASKED, PUBLIC_STATES, Model, ModelType, Status, Viewer
from models_registry.models.review import Review
from models_registry.models.version import ModelVersion
from models_registry.permissions import can_add_version, can_edit_model
from models_registry.searching import Hits
from models_registry.version_details import (
    attach_details,
    attach_links,
    cover_rows,
    file_rows,
    files_known_to,
)

NEWEST = ("-created_at", "-id")
REVIEW_ROWS = ("author__avatar", "version__model", "picture__blob")
#: Texts and what only searches ask for: reviews print the names of their version, each again.
NOT_IN_REVIEWS = (
    *(f"version__model__{name}" for name in (*ONLY_ASKED, "description")),
    *(f"version__{name}" for name in ("description", "changelog", "usage_tips", "training_config")),
)
DEFAULT_LIMIT = 24
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class ModelDetail:
    """A model with the versions this viewer may see, newest first, and what they may do."""

    model: Model
    versions: tuple[ModelVersion, ...]
    standing: Standing
    can_edit: bool
    can_add_version: bool

    def version(self, index: int | None) -> ModelVersion | None:
        """The version of that index; without one the newest public one, else the newest of all."""
        if index is not None:
            return next((row for row in self.versions if row.index == index), None)
        public = (row for row in self.versions if row.status in PUBLIC_STATES)
        return next(public, self.versions[0] if self.versions else None)


def model_list(
    *,
    viewer: Viewer,
    filters: ModelFilters | None = None,
    sort: Sort | None = None,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
    hits: Hits | None = None,
) -> Page[Model]:
    """One page of cards: owner, newest version with base model, words and covers, `is_saved`.

    Without a sort a query orders by relevance and anything else by date. `hits`, where the caller
    has them, are those of `search_hits` for these filters.
    """
    filters = filters or ModelFilters()
    order = chosen_sort(filters, sort)
    page = keyset(
        listed(viewer, filters, hits=hits, is_ranked=order is Sort.RELEVANCE),
        order=ORDERS[order],
        cursor=cursor,
        limit=min(max(limit, 1), MAX_LIMIT),
        load=lambda keys: _card_rows(viewer.pk or 0, keys),
    )
    attach_card_facts(page.items)
    return page


def chosen_sort(filters: ModelFilters, sort: Sort | None) -> Sort:
    """The order that applies: relevance needs a query."""
    has_query = bool(filters.query.strip())
    if sort is None:
        return Sort.RELEVANCE if has_query else Sort.NEWEST
    return Sort.NEWEST if sort is Sort.RELEVANCE and not has_query else sort


def model_detail(*, viewer: Viewer, slug: str = "", model_id: int | None = None) -> ModelDetail:
    """One model, by slug or id, with everything of every version; NotFound when not visible."""
    detail = model_outline(viewer=viewer, slug=slug, model_id=model_id)
    attach_details(detail.versions, viewer)
    return detail


def model_page(*, viewer: Viewer, slug: str, index: int | None) -> ModelDetail:
    """One model for its page: everything of the shown version, of the others what tabs need."""
    detail = model_outline(viewer=viewer, slug=slug)
    shown = detail.version(index)
    attach_details([shown] if shown else [], viewer)
    return detail


def model_alone(*, viewer: Viewer, slug: str = "", model_id: int | None = None) -> Model:
    """One model without its versions, for what is only about it; NotFound when not visible."""
    found = _model_by_slug(viewer, slug) if model_id is None else _model_by_key(viewer, model_id)
    if not found:
        raise NotFound(_("There is no such model."))
    return found[0]


def drafts_of(viewer: Viewer, *, limit: int) -> list[Model]:
    """Models that this person has begun, newest first."""
    drafts = Model.objects.owned_by(viewer).filter(status=Status.DRAFT)
    return list(drafts.order_by(*ORDERS[Sort.NEWEST]).defer(*ONLY_ASKED)[:limit])


def model_outline(*, viewer: Viewer, slug: str = "", model_id: int | None = None) -> ModelDetail:
    """One model and its versions without what these hold: for tabs and buttons."""
    model = model_alone(viewer=viewer, slug=slug, model_id=model_id)
    attach_tags([model])
    rows = tuple(_versions_of(viewer, model.pk))
    for row in rows:
        row.model = model
    return ModelDetail(
        model=model,
        versions=rows,
        standing=standing_of(viewer, model),
        can_edit=can_edit_model(viewer, model),
        can_add_version=can_add_version(viewer, model),
    )


def version_detail(*, viewer: Viewer, version_id: int) -> ModelVersion:
    """One version with its model and everything prefetched; NotFound when not visible."""
    found = _version_by_key(viewer, version_id)
    if not found:
        raise NotFound(_("Model not found"))
    attach_details(found, viewer)
    return found[0]


def file_of(*, viewer: Viewer, file_id: int) -> ModelFile:
    """One file of a visible version; NotFound otherwise."""
    visible = ModelVersion.objects.reachable_by(viewer)
    rows = file_rows().select_related("version__model__team")
    file = rows.filter(files_known_to(viewer), pk=file_id, version__in=visible).first()
    if file is None:
        raise NotFound(_("File not found"))
    return file


def conversion_of(file: ModelFile) -> FileConversion:
    """How the conversion of a file stands; NotFound when nobody asked for one."""
    row: FileConversion | None = getattr(file, "conversion", None)
    if row is None:
        raise NotFound(_("Nobody asked for a conversion of this file."))
    return row


def signed_file(*, viewer: Viewer, file_id: int) -> ModelFile:
    """A file of a link that was made for this person; NotFound when it is gone or not visible."""
    visible = ModelVersion.objects.reachable_by(viewer)
    rows = file_rows().select_related("version__model__team").filter(version__in=visible)
    file = rows.prefetch_related("version__trigger_word_sets__words").filter(pk=file_id).first()
    if file is None:
        raise NotFound(_("File not found"))
    return file


def base_versions(
    *, viewer: Viewer, families: Collection[str] = (), type: str = ModelType.CHECKPOINT
) -> QuerySet[ModelVersion]:
    """Checkpoints one can train on (or VAEs): visible, published, with a cleared file; by name."""
    versions = ModelVersion.objects.visible_to(viewer).published()
    if families:
        versions = versions.filter(base_model__family__in=list(families))
    clean = ModelFile.objects.filter(version_id=OuterRef("pk"), scan_status="Success")
    return (
        versions.filter(Exists(clean), model__type=type)
        .select_related("model", "base_model")
        .order_by("model__name", "-index", "pk")
    )


def reviews_of(
    *, viewer: Viewer, model: Model, cursor: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[Review]:
    """Reviews of the versions the viewer may see, newest first."""
    if cursor:
        page = keyset(_reviews(viewer, model.pk), order=NEWEST, cursor=cursor, limit=limit)
    else:
        found = _reviews_by_key(_first_reviews(limit)(viewer, model.pk))
        page = first_page(found, order=NEWEST, limit=limit)
    attach_links(page.items, "base_version", viewer)
    return page


def review_by(viewer: Viewer, version: ModelVersion) -> Review | None:
    """The viewer's own review of a version, with what it links to; None without one."""
    return next(iter(_own_review(viewer.pk or 0, version.pk)), None)


def base_models(*, active_only: bool = True) -> QuerySet[BaseModel]:
    """Base models in the order of the table."""
    rows = BaseModel.objects.order_by("sort", "name")
    return rows.filter(is_active=True) if active_only else rows


def find_by_hash(*, viewer: Viewer, hash_prefix: str) -> list[ModelVersion]:
    """Versions with a file of this hash, earliest publication first; Invalid for no hash."""
    return list(match_hash(viewer=viewer, text=hash_prefix).versions)


def cover_of(*, viewer: Viewer, cover_id: int) -> VersionCover | None:
    """A picture of a version that was published and that the viewer gets by its address."""
    versions = ModelVersion.objects.reachable_by(viewer).known()
    rows = cover_rows().filter(pk=cover_id, version__in=versions)
    return rows.select_related("blob", "version__model__owner", "version__base_model").first()


def _model_rows(viewer: Viewer) -> QuerySet[Model]:
    models = Model.objects.reachable_by(viewer).defer(*ONLY_ASKED)
    return models.select_related("owner__avatar", "team")


def _reviews(viewer: Viewer, model_id: int) -> QuerySet[Review]:
    visible = ModelVersion.objects.reachable_by(viewer).filter(model=model_id)
    rows = Review.objects.filter(version__in=visible)
    return rows.select_related(*REVIEW_ROWS).defer(*NOT_IN_REVIEWS)


@cache
def _first_reviews(limit: int) -> RowsForViewer[int]:
    """Keys of the first page and one more, for each of the few sizes that pages have.

    Keys first: with the rows in the same query, PostgreSQL walks through all reviews of all models.
    """
    return RowsForViewer(
        lambda viewer, model: (
            _reviews(viewer, model).order_by(*NEWEST).values_list("pk", flat=True)[: limit + 1]
        )
    )


_reviews_by_key = KeptRows(
    lambda keys: (
        Review.objects.filter(among("pk", keys))
        .select_related(*REVIEW_ROWS)
        .defer(*NOT_IN_REVIEWS)
        .order_by(*NEWEST)
    )
)
#: The rows that cards print, each with what belongs to it once; for a person's key, or 0.
_card_rows = KeptRows(
    lambda me, keys: (
        Model.objects.filter(among("pk", keys))
        .defer(*ONLY_ASKED, "description", *NOT_ON_CARDS)
        .annotate(is_saved=Exists(Bookmark.objects.filter(user_id=me, model_id=OuterRef("pk"))))
        .select_related("owner__avatar", "team", "latest_version__base_model")
    )
)
_model_by_slug = RowsForViewer(lambda viewer, slug: _model_rows(viewer).filter(slug=slug))
_model_by_key = RowsForViewer(lambda viewer, key: _model_rows(viewer).filter(pk=key))
_versions_of = RowsForViewer(
    lambda viewer, model: (
        ModelVersion.objects.reachable_by(viewer)
        .filter(model_id=model)
        .select_related("base_model")
        .newest_first()
    )
)
_version_by_key = RowsForViewer(
    lambda viewer, key: (
        ModelVersion.objects.reachable_by(viewer)
        .filter(pk=key)
        .select_related("base_model", "model__owner__avatar")
    )
)
_own_review = KeptRows(
    lambda author, version: (
        Review.objects.filter(author_id=author, version=version)
        .select_related(*REVIEW_ROWS, "base_version__model")
        .defer(*NOT_IN_REVIEWS, *(f"base_{name}" for name in NOT_IN_REVIEWS))
    )
)
