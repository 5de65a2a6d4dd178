"""What lists of models can be narrowed by, and how; one vocabulary for pages and both APIs."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramWordSimilarity
from django.db.models import Exists, F, IntegerField, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce

from hub.accounts.models import Membership, Team
from models_registry.hash_lookup import models_of_hash
from models_registry.models.bookmark import Bookmark
from models_registry.models.file import ModelFile
from models_registry.models.model import PUBLIC_STATES, Model, Viewer
from models_registry.models.version import ModelVersion
from models_registry.search_text import raw_query

RELEVANCE_STEPS = 1_000_000
MAX_QUERY_CHARACTERS = 200


class Scope(StrEnum):
    """Whose models."""

    EVERYONE = "everyone"
    TEAM = "team"
    MINE = "mine"
    SAVED = "saved"


class Sort(StrEnum):
    """Orders of a list; RELEVANCE only makes sense with a query."""

    RELEVANCE = "relevance"
    RATING = "rating"
    DOWNLOADS = "downloads"
    LIKES = "likes"
    COMMENTS = "comments"
    BOOKMARKS = "bookmarks"
    IMAGES = "images"
    NEWEST = "newest"
    OLDEST = "oldest"


ORDERS: dict[Sort, tuple[str, ...]] = {
    Sort.RELEVANCE: ("-relevance", "-id"),
    Sort.RATING: ("-thumbs_up_count", "-download_count", "-id"),
    Sort.DOWNLOADS: ("-download_count", "-thumbs_up_count", "-id"),
    Sort.LIKES: ("-thumbs_up_count", "-id"),
    Sort.COMMENTS: ("-comment_count", "-id"),
    Sort.BOOKMARKS: ("-bookmark_count", "-id"),
    Sort.IMAGES: ("-image_count", "-id"),
    Sort.NEWEST: ("-last_version_at", "-id"),
    Sort.OLDEST: ("last_version_at", "id"),
}


@dataclass(frozen=True, slots=True)
class ModelFilters:
    """Empty means no matter; several values of one filter are alternatives."""

    query: str = ""
    types: Collection[str] = ()
    base_models: Collection[str] = ()
    subjects: Collection[str] = ()
    tags: Collection[str] = ()
    formats: Collection[str] = ()
    username: str = ""
    ids: Collection[int] = ()
    version_ids: Collection[int] = ()
    checkpoint_type: str = ""
    commercial_uses: Collection[str] = ()
    allow_no_credit: bool | None = None
    allow_derivatives: bool | None = None
    allow_different_license: bool | None = None
    published_since: datetime | None = None
    nsfw_levels: int | None = None
    scope: Scope = Scope.EVERYONE
    team: Team | None = None
    verified: bool = False
    trained_here: bool = False
    published_only: bool = False

    def without(self, *names: str) -> "ModelFilters":
        """The same filters with some of them open, as counts beside their choices need it."""
        empty = ModelFilters()
        return replace(self, **{name: getattr(empty, name) for name in names})


def filtered(viewer: Viewer, filters: ModelFilters) -> QuerySet[Model]:
    """Models the viewer may see that meet every filter; one row each, no joins that multiply."""
    models = _in_scope(Model.objects.visible_to(viewer), viewer, filters)
    models = models.filter(_own_columns(filters), _terms(filters))
    versions = _version_condition(filters)
    if versions is not None:
        models = models.filter(Exists(versions.filter(model_id=OuterRef("pk"))))
    if filters.tags:
        names = [tag.strip().lower() for tag in filters.tags]
        through = Model.tags.through.objects.filter(model_id=OuterRef("pk"), tag__name__in=names)
        models = models.filter(Exists(through))
    return _searched(models, filters.query) if filters.query.strip() else models


def _in_scope(models: QuerySet[Model], viewer: Viewer, filters: ModelFilters) -> QuerySet[Model]:
    if filters.published_only or filters.scope in (Scope.EVERYONE, Scope.SAVED):
        models = models.filter(status__in=PUBLIC_STATES)
    if filters.scope is Scope.EVERYONE:
        return models
    if not viewer.is_authenticated:
        return models.none()
    if filters.scope is Scope.MINE:
        return models.filter(owner_id=viewer.pk)
    if filters.scope is Scope.SAVED:
        saved = Bookmark.objects.filter(user_id=viewer.pk, model_id=OuterRef("pk"))
        return models.filter(Exists(saved))
    if filters.team is not None:
        return models.filter(team=filters.team)
    teams = Membership.objects.filter(user_id=viewer.pk).values("team_id")
    return models.filter(team_id__in=teams)


def _own_columns(filters: ModelFilters) -> Q:
    condition = Q()
    for column, values in (
        ("type", filters.types),
        ("subject", filters.subjects),
        ("pk", filters.ids),
    ):
        if values:
            condition &= Q(**{f"{column}__in": list(values)})
    if filters.username:
        condition &= Q(owner__username__iexact=filters.username)
    if filters.checkpoint_type:
        condition &= Q(checkpoint_type=filters.checkpoint_type)
    if filters.published_since is not None:
        condition &= Q(last_version_at__gte=filters.published_since)
    if filters.verified:
        condition &= Q(is_verified=True)
    if filters.trained_here:
        condition &= Q(is_trained_here=True)
    return condition


def _terms(filters: ModelFilters) -> Q:
    """Licence switches and mature content."""
    condition = Q()
    for column in ("allow_no_credit", "allow_derivatives", "allow_different_license"):
        wanted = getattr(filters, column)
        if wanted is not None:
            condition &= Q(**{column: wanted})
    if filters.commercial_uses:
        condition &= Q(allow_commercial_use__overlap=list(filters.commercial_uses))
    if filters.nsfw_levels is not None:
        # A model is shown when none of its bits is outside the allowed ones.
        condition &= Q(nsfw_level__in=_allowed_levels(filters.nsfw_levels))
    return condition


def _allowed_levels(allowed: int) -> list[int]:
    return [level for level in range(64) if level & ~allowed == 0]


def _version_condition(filters: ModelFilters) -> QuerySet[ModelVersion] | None:
    if not (filters.base_models or filters.version_ids or filters.formats):
        return None
    # Drafts count only in lists of one's own or one's team's models.
    versions = ModelVersion.objects.all()
    if filters.published_only or filters.scope in (Scope.EVERYONE, Scope.SAVED):
        versions = versions.published()
    if filters.base_models:
        versions = versions.filter(base_model__name__in=list(filters.base_models))
    if filters.version_ids:
        versions = versions.filter(pk__in=list(filters.version_ids))
    if filters.formats:
        fitting = ModelFile.objects.filter(
            version_id=OuterRef("pk"), format__in=list(filters.formats)
        )
        versions = versions.filter(Exists(fitting))
    return versions


def _searched(models: QuerySet[Model], text: str) -> QuerySet[Model]:
    """Models found by words (as beginnings), by a name typed nearly right, or by a hash."""
    text = text.strip().replace("\x00", "")[:MAX_QUERY_CHARACTERS]
    raw = raw_query(text)
    similarity = TrigramWordSimilarity(text, "name")
    if not raw:
        return models.filter(name__icontains=text).annotate(
            relevance=Value(0, output_field=IntegerField())
        )
    words = SearchQuery(raw, config="simple", search_type="raw")
    # Descriptions are indexed by English stems, names and trigger words as they are written.
    words |= SearchQuery(raw, config="english", search_type="raw")
    found = Q(search=words) | Q(name__trigram_word_similar=text)
    if hashed := models_of_hash(text):
        found |= Q(pk__in=hashed)
    score = SearchRank(F("search"), words) + similarity
    relevance = Cast(Coalesce(score, 0.0) * RELEVANCE_STEPS, IntegerField())
    return models.filter(found).annotate(relevance=relevance)
