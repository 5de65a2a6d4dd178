"""Query parameters as clients in the field send them: repeated, comma-joined, in any case."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.http import QueryDict

from hub.api.civitai.refusals import ParameterError
from models_registry.filters import ModelFilters, Scope, Sort
from models_registry.models.model import CheckpointType, ModelType
from models_registry.models.terms import ModelVisibility

MAX_ID = 2**31 - 1
MAX_DIGITS = 18
PG = 1
LEVELS: Mapping[str, int] = {"none": 1, "soft": 3, "mature": 7, "x": 31}
TRUE = frozenset({"true", "1", "yes", "on"})
FALSE = frozenset({"false", "0", "no", "off", ""})
PERIOD_DAYS: Mapping[str, int | None] = {
    "AllTime": None,
    "Year": 365,
    "Month": 30,
    "Week": 7,
    "Day": 1,
}
#: Words of `availability` and the visibilities that they stand for.
AVAILABLE: Mapping[str, tuple[str, ...]] = {
    "Public": (ModelVisibility.PUBLIC,),
    "EarlyAccess": (),
    "Unsearchable": (ModelVisibility.UNLISTED,),
    "Private": (ModelVisibility.TEAM, ModelVisibility.PRIVATE),
}
SORTS: Mapping[str, Sort] = {
    "Highest Rated": Sort.RATING,
    "Most Downloaded": Sort.DOWNLOADS,
    "Most Liked": Sort.LIKES,
    "Most Discussed": Sort.COMMENTS,
    "Most Collected": Sort.BOOKMARKS,
    "Most Images": Sort.IMAGES,
    "Most Buzz": Sort.RATING,  # an order of old that programs still offer; nobody is tipped here
    "Newest": Sort.NEWEST,
    "Oldest": Sort.OLDEST,
}


def integer(
    query: QueryDict, name: str, default: int | None, *, minimum: int, maximum: int
) -> int | None:
    """A whole number within bounds; raises ParameterError otherwise."""
    raw = query.get(name)
    if raw is None or raw == "":
        return default
    try:
        value = int(raw)
    except ValueError as error:
        raise ParameterError(name, f"Expected a whole number, received {raw!r}") from error
    if not minimum <= value <= maximum:
        raise ParameterError(name, f"Expected a number from {minimum} to {maximum}")
    return value


def truth(query: QueryDict, *names: str) -> bool | None:
    """Yes, no, or None when none of the names was sent."""
    for name in names:
        raw = query.get(name)
        if raw is None:
            continue
        word = raw.strip().lower()
        if word in TRUE:
            return True
        if word in FALSE:
            return False
        raise ParameterError(name, f"Expected true or false, received {raw!r}")
    return None


def listed(query: QueryDict, *names: str) -> list[str]:
    """Values of a parameter under any of its names (also `name[]`), repeated or comma-joined."""
    kept: dict[str, None] = {}
    for name in names:
        for raw in (*query.getlist(name), *query.getlist(f"{name}[]")):
            kept.update(dict.fromkeys(part.strip() for part in raw.split(",") if part.strip()))
    return list(kept)


def id_in(text: str) -> int:
    """The number in a part of an address; 0 for what is none, or longer than any id."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else 0


def ids(query: QueryDict, name: str, *, limit: int = 1000) -> list[int]:
    """Ids of a comma list; raises ParameterError for anything that is no id."""
    values = []
    for part in listed(query, name):
        value = id_in(part)
        if not 1 <= value <= MAX_ID:
            raise ParameterError(name, f"Expected ids, received {part[:40]!r}")
        values.append(value)
    if len(values) > limit:
        raise ParameterError(name, f"At most {limit} ids can be asked for at once")
    return values


def choice(query: QueryDict, name: str, allowed: Collection[str], default: str) -> str:
    """One of the allowed words, in any case."""
    raw = query.get(name, "").strip()
    if not raw:
        return default
    known = {word.lower(): word for word in allowed}
    if raw.lower() not in known:
        raise ParameterError(name, f"Expected one of {', '.join(allowed)}; received {raw!r}")
    return known[raw.lower()]


def sort_of(query: QueryDict) -> Sort:
    """The wanted order; when none is named, a search's best matches first, else Highest Rated.

    As Civitai since June 2026 (https://github.com/civitai/civitai/pull/2573); it takes no notice of
    an order that is named beside words, which programs hold to be an error of it.
    """
    named = choice(query, "sort", tuple(SORTS), "")
    if not named and query.get("query", "").strip():
        return Sort.RELEVANCE
    return SORTS[named or "Highest Rated"]


def model_filters(query: QueryDict, *, now: datetime) -> ModelFilters:
    """All filters of `GET /models`; parameters that are not known are ignored."""
    available = choice(query, "availability", AVAILABLE, "")
    early = truth(query, "earlyAccess") or available == "EarlyAccess"
    return ModelFilters(
        query=query.get("query", ""),
        types=_known_types(query),
        base_models=listed(query, "baseModels", "baseModel"),
        tags=listed(query, "tag", "tagname"),
        formats=listed(query, "fileFormats", "fileFormat"),
        username=query.get("username", "").strip() or query.get("user", "").strip(),
        ids=ids(query, "ids"),
        version_ids=ids(query, "modelVersionIds"),
        excluded_ids=ids(query, "excludedModelIds"),
        excluded_owner_ids=ids(query, "excludedUserIds"),
        excluded_tag_ids=ids(query, "excludedTagIds"),
        checkpoint_type=choice(query, "checkpointType", CheckpointType.values, ""),
        commercial_uses=listed(query, "allowCommercialUse"),
        allow_no_credit=truth(query, "allowNoCredit"),
        allow_derivatives=truth(query, "allowDerivatives"),
        allow_different_license=truth(query, "allowDifferentLicense", "allowDifferentLicenses"),
        published_since=since(query, now=now),
        nsfw_levels=_levels(query),
        scope=_scope(query),
        visibilities=AVAILABLE.get(available, ()),
        archived=truth(query, "archived"),
        early_access_at=now if early else None,
        trained_here=bool(truth(query, "fromPlatform")),
        collection_id=integer(query, "collectionId", None, minimum=1, maximum=MAX_ID),
        published_only=True,
    )


def offers_nothing(query: QueryDict) -> bool:
    """Whether only models are wanted that this hub does not have: on-site generation, features."""
    return bool(truth(query, "supportsGeneration") or truth(query, "isFeatured"))


def _scope(query: QueryDict) -> Scope:
    wanted = {"hidden": Scope.HIDDEN, "favorites": Scope.SAVED, "followed": Scope.FOLLOWING}
    return next((scope for name, scope in wanted.items() if truth(query, name)), Scope.EVERYONE)


def _levels(query: QueryDict) -> int | None:
    """Allowed rating bits: PG unless more is asked for; true means all, names are cumulative."""
    word = query.get("nsfw", "").strip().lower()
    return LEVELS[word] if word in LEVELS else (None if truth(query, "nsfw") else PG)


def _known_types(query: QueryDict) -> list[str]:
    """Model types in any case; words that are no type here stay and match nothing."""
    known = {value.lower(): value for value in ModelType.values}
    return [known.get(word.lower(), word) for word in listed(query, "types", "type")]


def since(query: QueryDict, *, now: datetime) -> datetime | None:
    """Start of the wanted period, None for all time."""
    days = PERIOD_DAYS[choice(query, "period", tuple(PERIOD_DAYS), "AllTime")]
    return now - timedelta(days=days) if days is not None else None
