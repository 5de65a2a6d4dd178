"""What lists of models can be narrowed by, and how; one vocabulary for pages and both APIs."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from hub.accounts.models import Membership, Team
from hub.accounts.queries import keys_of_usernames
from hub.core.lookups import among, keys_of
from models_registry.bonds import engagements, followed, hidden, saved, with_tag_keys
from models_registry.file_kinds import words_for
from models_registry.key_lookup import LookedUp, keys_of_bases, keys_of_tags
from models_registry.models.collection import CollectionItem
from models_registry.models.engagement import EngagementKind
from models_registry.models.file import ModelFile, ScanStatus
from models_registry.models.model import PUBLIC_STATES, Model, Status, Viewer
from models_registry.models.version import ModelVersion
from models_registry.searching import (
    Hits,
    find_both,
    find_hits,
    first_hits,
    holding_words,
    with_relevance,
)


class Scope(StrEnum):
    """Whose models."""

    EVERYONE = "everyone"
    TEAM = "team"
    MINE = "mine"
    SAVED = "saved"
    FOLLOWING = "following"
    HIDDEN = "hidden"


#: Filters whose choices have counts, all from one pass over the models and one over their versions.
COUNTED = ("types", "subjects", "verified", "trained_here", "base_models")
#: Stands for "nothing may be sold" among the commercial uses.
NO_USE = "None"

#: Whose lists hold only what is published, whoever looks.
PUBLISHED_SCOPES = frozenset({Scope.EVERYONE, Scope.SAVED, Scope.FOLLOWING, Scope.HIDDEN})


class Sort(StrEnum):
    """Orders of a list; RELEVANCE only makes sense with a query."""

    RELEVANCE = "relevance"
    RATING = "rating"
    DOWNLOADS = "downloads"
    LIKES = "likes"
    COMMENTS = "comments"
    BOOKMARKS = "bookmarks"
    TRENDING = "trending"
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
    Sort.TRENDING: ("-trend", "-id"),
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
    precisions: Collection[str] = ()
    licences: Collection[str] = ()
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
    unseen: bool = False
    collection_id: int | None = None
    with_unlisted: bool = False
    published_only: bool = False
    visibilities: Collection[str] = ()
    archived: bool | None = None
    early_access_at: datetime | None = None
    excluded_ids: Collection[int] = ()
    excluded_owner_ids: Collection[int] = ()
    excluded_tag_ids: Collection[int] = ()
    #: Shared with copies: what their names stand for is asked once for all of them.
    looked_up: LookedUp = field(default_factory=LookedUp, compare=False, repr=False)

    def without(self, *names: str) -> "ModelFilters":
        """The same filters with some of them open, as counts beside their choices need it."""
        empty = ModelFilters()
        return replace(self, **{name: getattr(empty, name) for name in names})


def filtered(viewer: Viewer, filters: ModelFilters, *, hits: Hits | None = None) -> QuerySet[Model]:
    """Models the viewer may see that meet every filter; one row each, no joins that multiply.

    `hits` are those of `search_hits` for the same filters, or for wider ones.
    """
    models = narrowed(viewer, filters)
    if not filters.query.strip():
        return models
    hits = hits or find_hits(models, filters.query)
    if hits.is_complete or hits.is_forgiving:
        return models.filter(among("pk", hits.ids))
    return holding_words(models, filters.query, hits)


def listed(
    viewer: Viewer, filters: ModelFilters, *, hits: Hits | None = None, is_ranked: bool
) -> QuerySet[Model]:
    """What the list shows; hits have met every filter, and nothing is asked of them again.

    By relevance, of a common word these are not all models, see Hits.
    """
    if is_ranked and hits is None:
        hits = search_hits(viewer, filters)
    if hits is None or not (is_ranked or hits.is_complete):
        return filtered(viewer, filters, hits=hits)
    models = Model.objects.filter(among("pk", hits.ids))
    if not is_ranked:
        return models
    return with_relevance(models, filters.query, is_forgiving=hits.is_forgiving)


def counted_apart(filters: ModelFilters) -> ModelFilters:
    """The filters without those whose choices have counts: what these counts are made of."""
    return filters.without(*COUNTED)


def search_hits(
    viewer: Viewer, filters: ModelFilters, *, inside: Hits | None = None
) -> Hits | None:
    """What is counted of the models that meet the filters: those with the words, or the first ones.

    None where nothing narrows the list but columns that are all counted in one pass. `inside` are
    the hits for wider filters: where these are all there are, nothing is looked for again.
    """
    if inside is not None and inside.is_complete:
        found = narrowed(viewer, filters).filter(among("pk", inside.ids)).order_by()
        return replace(inside, ids=tuple(keys_of(found)))
    if filters.query.strip():
        return find_hits(narrowed(viewer, filters), filters.query)
    if filters.without(*COUNTED, "unseen", "team") == ModelFilters():
        return None
    # Of one licence there is an index in this order; without one, all models would be looked at.
    # Kinds of files that most models have are found in it sooner than in the table.
    by_kind = bool(filters.formats or filters.precisions) and not (filters.username or filters.tags)
    order = ORDERS[Sort.NEWEST] if by_kind or len(filters.licences) == 1 else ()
    return first_hits(narrowed(viewer, filters).order_by(*order))


def search_both(viewer: Viewer, filters: ModelFilters) -> tuple[Hits, Hits]:
    """What words find of the models that are counted beside the filters, and of the list's own."""
    fits = _own_columns(filters) & Q(*_holding(filters))
    return find_both(narrowed(viewer, counted_apart(filters)), fits, filters.query)


def narrowed(viewer: Viewer, filters: ModelFilters) -> QuerySet[Model]:
    """Models the viewer may see that meet every filter but the words."""
    models = _in_scope(viewer, filters)
    models = models.filter(_own_columns(filters), _terms(filters), *_engaged(viewer, filters))
    models = models.filter(*_holding(filters))
    if filters.tags:
        keys = filters.looked_up.keys(keys_of_tags, filters.tags)
        models = models.filter(Exists(with_tag_keys(keys)))
    if filters.collection_id is not None:
        models = models.filter(
            Exists(
                CollectionItem.objects.filter(
                    collection_id=filters.collection_id, model_id=OuterRef("pk")
                )
            )
        )
    return models


def _in_scope(viewer: Viewer, filters: ModelFilters) -> QuerySet[Model]:
    if filters.scope is Scope.EVERYONE:
        if filters.with_unlisted:
            return Model.objects.reachable_by(viewer).published()
        return Model.objects.listed_for(viewer)
    if not viewer.is_authenticated:
        return Model.objects.none()
    if filters.scope in OWN_LISTS:
        # A person's own list may hold what they once had the address of.
        models = Model.objects.reachable_by(viewer).published()
        return models.filter(OWN_LISTS[filters.scope](viewer))
    if filters.scope is Scope.FOLLOWING:
        return Model.objects.listed_for(viewer).filter(followed(viewer))
    return _of_group(viewer, filters)


def _of_group(viewer: Viewer, filters: ModelFilters) -> QuerySet[Model]:
    """The viewer's own models or those of a team, drafts included."""
    models = Model.objects.visible_to(viewer)
    if filters.published_only:
        models = models.published()
    if filters.scope is Scope.MINE:
        return models.filter(owner_id=viewer.pk)
    if filters.team is not None:
        return models.filter(team=filters.team)
    teams = Membership.objects.filter(user_id=viewer.pk or 0).values("team_id")
    return models.filter(team_id__in=teams)


def _engaged(viewer: Viewer, filters: ModelFilters) -> list[Q]:
    """Without what the viewer hides everywhere and, when wished, what they have looked at."""
    if not viewer.is_authenticated:
        return []
    kinds = [] if filters.scope is Scope.HIDDEN else [EngagementKind.HIDE.value]
    kinds += [EngagementKind.SEEN.value] if filters.unseen else []
    return [~Q(Exists(engagements(viewer, kind))) for kind in kinds]


OWN_LISTS = {Scope.SAVED: saved, Scope.HIDDEN: hidden}


def _own_columns(filters: ModelFilters) -> Q:
    condition = Q()
    for column, values in (
        ("type", filters.types),
        ("subject", filters.subjects),
        ("licence", filters.licences),
        ("pk", filters.ids),
        ("visibility", filters.visibilities),
    ):
        if values:
            condition &= Q(**{f"{column}__in": list(values)})
    if filters.username:
        owners = filters.looked_up.keys(keys_of_usernames, [filters.username])
        condition &= Q(owner_id__in=owners)
    if filters.checkpoint_type:
        condition &= Q(checkpoint_type=filters.checkpoint_type)
    if filters.published_since is not None:
        condition &= Q(last_version_at__gte=filters.published_since)
    if filters.verified:
        condition &= Q(is_verified=True)
    if filters.trained_here:
        condition &= Q(is_trained_here=True)
    return condition & _without(filters)


def _without(filters: ModelFilters) -> Q:
    """What is taken out by name, and archived models in or out when that was said."""
    condition = Q()
    if filters.excluded_ids:
        condition &= ~Q(pk__in=list(filters.excluded_ids))
    if filters.excluded_owner_ids:
        condition &= ~Q(owner_id__in=list(filters.excluded_owner_ids))
    if filters.excluded_tag_ids:
        condition &= ~Q(Exists(with_tag_keys(filters.excluded_tag_ids)))
    if filters.archived is not None:
        archived = Q(status=Status.ARCHIVED)
        condition &= archived if filters.archived else ~archived
    return condition


def _terms(filters: ModelFilters) -> Q:
    """Licence switches and mature content."""
    condition = Q()
    for column in ("allow_no_credit", "allow_derivatives", "allow_different_license"):
        wanted = getattr(filters, column)
        if wanted is not None:
            condition &= Q(**{column: wanted})
    if filters.commercial_uses:
        condition &= _sold_as(filters.commercial_uses)
    if filters.nsfw_levels is not None:
        # A model is shown when none of its bits is outside the allowed ones.
        condition &= Q(nsfw_level__in=_allowed_levels(filters.nsfw_levels))
    return condition


def _sold_as(uses: Collection[str]) -> Q:
    """Any overlap; NO_USE stands for the empty set."""
    nothing = Q(allow_commercial_use=[]) if NO_USE in uses else Q(pk__in=[])
    return Q(allow_commercial_use__overlap=[use for use in uses if use != NO_USE]) | nothing


def _allowed_levels(allowed: int) -> list[int]:
    return [level for level in range(64) if level & ~allowed == 0]


def _holding(filters: ModelFilters) -> list[Q]:
    """What the versions of a model must have, as far as its own columns tell, and the rest.

    The columns are for lists of what is published: drafts are asked for themselves, and so is
    anything that stands on no column.
    """
    by_file = bool(filters.formats or filters.precisions)
    if not _only_published(filters):
        asked = filters.base_models or by_file or filters.version_ids or filters.early_access_at
        return [Q(Exists(_versions_or_files(filters, by_file=by_file)))] if asked else []
    told: list[Q] = []
    bases = _keys_of_bases(filters) if filters.base_models else None
    if by_file:
        words = words_for(filters.formats, filters.precisions, bases)
        told.append(Q(file_kinds__overlap=words))
    elif bases is not None:
        told.append(Q(base_ids__overlap=bases))
    if filters.version_ids or filters.early_access_at:
        told.append(Q(Exists(_versions_or_files(filters, by_file=by_file))))
    return told


def are_columns(filters: ModelFilters) -> bool:
    """Whether what versions must have stands on the model: one base model, or kinds of files."""
    by_file = bool(filters.formats or filters.precisions)
    of_version = filters.version_ids or filters.early_access_at
    return _only_published(filters) and not of_version and not (filters.base_models and by_file)


def _versions_or_files(filters: ModelFilters, *, by_file: bool) -> QuerySet[Any]:
    """Versions of the model of the outer query or, `by_file`, files in such versions."""
    condition = _of_version(filters, "version__" if by_file else "")
    if not by_file:
        return ModelVersion.objects.filter(condition)
    files = ModelFile.objects.filter(condition, scan_status=ScanStatus.SUCCESS)
    if filters.formats:
        files = files.filter(format__in=list(filters.formats))
    return files.filter(precision__in=list(filters.precisions)) if filters.precisions else files


def _only_published(filters: ModelFilters) -> bool:
    """Drafts count only in lists of one's own or one's team's models."""
    return filters.published_only or filters.scope in PUBLISHED_SCOPES


def _of_version(filters: ModelFilters, prefix: str) -> Q:
    condition = Q(**{f"{prefix}model_id": OuterRef("pk")})
    if _only_published(filters):
        condition &= Q(**{f"{prefix}status__in": PUBLIC_STATES})
    if filters.base_models:
        condition &= Q(**{f"{prefix}base_model__in": _keys_of_bases(filters)})
    if filters.version_ids:
        condition &= Q(**{f"{prefix}pk__in": list(filters.version_ids)})
    if filters.early_access_at:
        condition &= Q(**{f"{prefix}early_access_until__gt": filters.early_access_at})
    return condition


def _keys_of_bases(filters: ModelFilters) -> list[int]:
    return filters.looked_up.keys(keys_of_bases, filters.base_models)
