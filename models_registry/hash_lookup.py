"""From the hashes that tools write into pictures and sidecar files to versions here."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from hub.core.errors import Invalid
from hub.formats.hashes import EMPTY_SHA256
from models_registry.models.file import ScanStatus
from models_registry.models.file_hash import MIN_PREFIX, HashKind, ModelFileHash
from models_registry.models.model import PUBLIC_STATES, Viewer
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
    ambiguous when their contents differ. Raises Invalid for text that is no hash.
    """
    value = clean_hash(text)
    if EMPTY_SHA256.startswith(value):
        return HashMatch((), is_ambiguous=False)
    visible = ModelVersion.objects.visible_to(viewer).published()
    rows = ModelFileHash.objects.filter(
        file__version__in=visible, file__scan_status=ScanStatus.SUCCESS
    )
    whole = rows.filter(value=value)
    # Tools print AutoV3 with 12 or with all 64 digits; 12 are recorded.
    short = Q(kind=HashKind.AUTOV3, value=value[:AUTOV3_DIGITS])
    found = whole if whole.exists() else rows.filter(Q(value__startswith=value) | short)
    pairs = set(found.values_list("file__version_id", "file__blob_id"))
    ids = {version_id for version_id, _blob in pairs}
    versions = (
        ModelVersion.objects.filter(pk__in=ids)
        .select_related("model", "base_model")
        .order_by("published_at", "pk")
    )
    return HashMatch(tuple(versions), is_ambiguous=len({blob for _version, blob in pairs}) > 1)


def find_many_by_hash(*, viewer: Viewer, hashes: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Whole hashes of any kind → (version id, model id) of the earliest publication."""
    values = {value.strip().upper() for value in hashes if HEX.issuperset(value.strip().upper())}
    visible = ModelVersion.objects.visible_to(viewer).published()
    rows = (
        ModelFileHash.objects.filter(
            value__in=values, file__version__in=visible, file__scan_status=ScanStatus.SUCCESS
        )
        .order_by("-file__version__published_at", "-file__version_id")
        .values_list("value", "file__version_id", "file__version__model_id")
    )
    return {value: (version_id, model_id) for value, version_id, model_id in rows}


def clean_hash(text: str) -> str:
    """Upper-case digits of a hash as people paste it; Invalid unless 8 to 64 of them."""
    value = text.strip().upper().removeprefix("0X")
    if not (MIN_PREFIX <= len(value) <= len(EMPTY_SHA256) and HEX.issuperset(value)):
        raise Invalid("A hash has 8 to 64 hexadecimal digits.", code="hash_invalid")
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
