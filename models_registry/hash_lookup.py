"""From the hashes that tools write into pictures and sidecar files to versions here."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from hub.core.errors import Invalid
from hub.formats.hashes import EMPTY_SHA256
from models_registry.models.file import ScanStatus
from models_registry.models.file_hash import MIN_PREFIX, HashKind, ModelFileHash
from models_registry.models.model import PUBLIC_STATES, Status, Viewer
from models_registry.models.tombstone import TombstoneHash
from models_registry.models.version import ModelVersion

AUTOV3_DIGITS = 12
HEX = frozenset("0123456789ABCDEF")


@dataclass(frozen=True, slots=True)
class HashMatch:
    """Versions whose files carry a hash; ambiguous when a short form fits different files."""

    versions: tuple[ModelVersion, ...]
    is_ambiguous: bool


def match_hash(*, viewer: Viewer, text: str) -> HashMatch:
    """Look a hash up: any kind, any case, any prefix of 8 or more characters; only public versions.

    A whole recorded value decides by itself. A shorter form may fit several files; the match is
    ambiguous when their contents differ. Deleted files are asked when no present one fits. Raises
    Invalid for text that is no hash.
    """
    value = clean_hash(text)
    if EMPTY_SHA256.startswith(value):
        return HashMatch((), is_ambiguous=False)
    pairs = _best(_present(viewer), value, "file__version_id", "file__blob_id")
    pairs = pairs or _best(_deleted(viewer), value, "file__tombstone_id", "file_id")
    ids = {version_id for version_id, _content in pairs}
    versions = (
        ModelVersion.objects.filter(pk__in=ids)
        .select_related("model", "base_model")
        .order_by("published_at", "pk")
    )
    return HashMatch(tuple(versions), is_ambiguous=len({content for _id, content in pairs}) > 1)


def find_many_by_hash(*, viewer: Viewer, hashes: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Whole hashes of any kind → (version id, model id) of the earliest publication."""
    values = {value.strip().upper() for value in hashes if HEX.issuperset(value.strip().upper())}
    deleted = _ids(_deleted(viewer).filter(value__in=values), "file__tombstone__version")
    present = _ids(_present(viewer).filter(value__in=values), "file__version")
    return {**deleted, **present}


def _present(viewer: Viewer) -> QuerySet[Any]:
    visible = ModelVersion.objects.visible_to(viewer).published()
    return ModelFileHash.objects.filter(
        file__version__in=visible, file__scan_status=ScanStatus.SUCCESS
    )


def _deleted(viewer: Viewer) -> QuerySet[Any]:
    visible = ModelVersion.objects.visible_to(viewer).filter(status=Status.TOMBSTONE)
    return TombstoneHash.objects.filter(
        file__was_clean=True, file__tombstone__in=visible.values("pk")
    )


def _best(rows: QuerySet[Any], value: str, *columns: str) -> set[tuple[int, int]]:
    """Version and content of the rows of exactly this value, else of those that begin with it."""
    whole = rows.filter(value=value)
    # Tools print AutoV3 with 12 or with all 64 digits; 12 are recorded.
    short = Q(kind=HashKind.AUTOV3, value=value[:AUTOV3_DIGITS])
    found = set(whole.values_list(*columns))
    return found or set(rows.filter(Q(value__startswith=value) | short).values_list(*columns))


def _ids(rows: QuerySet[Any], path: str) -> dict[str, tuple[int, int]]:
    """The last of equal values wins: the earliest publication."""
    rows = rows.order_by(f"-{path}__published_at", f"-{path}_id").values_list(
        "value", f"{path}_id", f"{path}__model_id"
    )
    return {value: (version_id, model_id) for value, version_id, model_id in rows}


def clean_hash(text: str) -> str:
    """Upper-case digits of a hash as people paste it; Invalid unless 8 to 64 of them."""
    value = text.strip().upper().removeprefix("0X")
    if not (MIN_PREFIX <= len(value) <= len(EMPTY_SHA256) and HEX.issuperset(value)):
        raise Invalid(_("A hash has 8 to 64 hexadecimal digits."), code="hash_invalid")
    return value


def models_of_hash(text: str, *, limit: int = 50) -> list[int]:
    """Ids of models with a public file of this hash, for searches; none for other text."""
    value = text.strip().upper()
    if not (MIN_PREFIX <= len(value) <= len(EMPTY_SHA256) and HEX.issuperset(value)):
        return []
    rows = ModelFileHash.objects.filter(
        value__startswith=value,
        file__scan_status=ScanStatus.SUCCESS,
        file__version__status__in=PUBLIC_STATES,
    )
    return list(rows.values_list("file__version__model_id", flat=True).distinct()[:limit])
