"""Which files a person has before them already: by hash, before anything is sent or fetched."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from hub.core.errors import AtelierError, Invalid, NotFound
from hub.formats.hashes import EMPTY_SHA256
from hub.storage.models import Blob
from models_registry.hash_lookup import AUTOV3_DIGITS, clean_hash
from models_registry.models.file import ModelFile, ScanStatus
from models_registry.models.file_hash import HashKind, ModelFileHash
from models_registry.models.model import PUBLIC_STATES, Viewer
from models_registry.models.version import ModelVersion
from models_registry.services.download import check_download

MAX_HASHES = 100
MAX_FILES_EACH = 20


def files_of_hash(*, viewer: Viewer, text: str) -> list[ModelFile]:
    """Files of a hash: any kind, any case, any prefix of 8 or more digits; earliest first.

    Cleared files of published versions, and whatever is in drafts of the viewer and their teams. A
    whole recorded value decides by itself, as in `match_hash`. Raises Invalid for what is no hash.
    """
    value = clean_hash(text)
    if EMPTY_SHA256.startswith(value):
        return []
    ids = _ids_of({value}) or set(
        ModelFileHash.objects.filter(
            Q(value__startswith=value) | Q(kind=HashKind.AUTOV3, value=value[:AUTOV3_DIGITS])
        ).values_list("file_id", flat=True)
    )
    return list(usable_files(viewer).filter(pk__in=ids)[:MAX_FILES_EACH])


def files_of_hashes(*, viewer: Viewer, texts: Iterable[str]) -> dict[str, list[ModelFile]]:
    """Files by each whole hash as it was asked for; hashes without a file are left out."""
    asked = {text: clean_hash(text) for text in texts}
    if len(asked) > MAX_HASHES:
        raise Invalid(_("Ask for at most %s hashes at once.") % MAX_HASHES, code="too_many_hashes")
    values = {value for value in asked.values() if not EMPTY_SHA256.startswith(value)}
    found: dict[str, list[ModelFile]] = {}
    for file in usable_files(viewer).filter(pk__in=_ids_of(values)):
        for value in {file.blob.sha256.upper(), *(row.value for row in file.hashes.all())} & values:
            found.setdefault(value, []).append(file)
    return {text: found[value] for text, value in asked.items() if value in found}


def any_of_size(*, viewer: Viewer, size_bytes: int) -> bool:
    """Whether a file of exactly this size is within reach: if not, hashing one to look is vain."""
    return usable_files(viewer).filter(blob__size_bytes=size_bytes).exists()


def blob_at_hand(*, viewer: Viewer, sha256: str) -> Blob:
    """Stored bytes that the viewer could fetch anyway, to be used again without sending them.

    Raises NotFound otherwise: the hash alone of a file that is kept from somebody gives nothing.
    """
    for file in usable_files(viewer).filter(blob__sha256=sha256.strip().lower()):
        if _may_take(viewer, file):
            return file.blob
    raise NotFound(_("No file with this hash is within your reach. Send the file itself."))


def _may_take(viewer: Viewer, file: ModelFile) -> bool:
    try:
        check_download(viewer=viewer, file=file)
    except AtelierError:
        return False
    return True


def usable_files(viewer: Viewer) -> QuerySet[ModelFile]:
    """Files with everything that is shown of them, in order of publication."""
    visible = ModelVersion.objects.visible_to(viewer)
    own = ~Q(version__status__in=PUBLIC_STATES) & ~Q(scan_status=ScanStatus.DANGER)
    cleared = Q(version__status__in=PUBLIC_STATES, scan_status=ScanStatus.SUCCESS)
    return (
        ModelFile.objects.filter(own | cleared, version__in=visible)
        .select_related("blob", "version__model__team", "version__base_model")
        .prefetch_related("hashes", "version__trigger_word_sets__words")
        .order_by("version__published_at", "pk")
    )


def _ids_of(values: set[str]) -> set[int]:
    """Files with one of these whole values, or whose bytes have that name: fresh ones have no rows.

    Two look-ups by index: joined in one condition, they would read the whole table.
    """
    lower = {value.lower() for value in values}
    hashed = ModelFileHash.objects.filter(value__in=values).values_list("file_id", flat=True)
    stored = ModelFile.objects.filter(blob__sha256__in=lower).values_list("pk", flat=True)
    return {*hashed, *stored}
