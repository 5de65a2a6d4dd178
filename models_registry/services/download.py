"""Which file a download gives, under which name, to whom, and how it is counted."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.accounts.queries import active_person
from hub.core.errors import Gone, NotAllowed, NotFound
from models_registry.errors import EarlyAccess, SignInNeeded
from models_registry.models.download import Download
from models_registry.models.file import FileFormat, FileKind, ModelFile, ScanStatus
from models_registry.models.model import ModelType, Status, Viewer
from models_registry.models.version import ModelVersion
from models_registry.permissions import (
    can_skip_early_access,
    can_take_unverified,
    is_in_early_access,
)
from models_registry.queries import signed_file
from models_registry.services.counters import add_download
from models_registry.services.names import clean_file_name, stem_and_suffix

LINK_SALT = "atelier.download.2"
LINK_SECONDS = 24 * 3600
MAIN_KINDS = frozenset(
    {FileKind.MODEL, FileKind.PRUNED_MODEL, FileKind.DIFFUSION_MODEL, FileKind.UNET}
)
QUANT_MIX = re.compile(r"_(?:XL|L|M|S|XS|XXS)$", re.IGNORECASE)
NAME_KEEPERS = frozenset({ModelType.LORA, ModelType.LOCON, ModelType.DORA, ModelType.VAE})
PREFERRED = {
    "format": FileFormat.SAFETENSOR.value,
    "size": "pruned",
    "fp": "fp16",
    "quant_type": "Q4_K",
}
POINTS = {"format": 100, "size": 10, "fp": 1, "quant_type": 0.5}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client asked for; empty means no matter. `file_id` wins over everything."""

    type: str = ""
    format: str = ""
    size: str = ""
    fp: str = ""
    quant_type: str = ""
    file_id: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the client left the choice to us."""
        named = (self.type, self.format, self.size, self.fp, self.quant_type)
        return not (any(named) or self.file_id)


def choose_file(
    version: ModelVersion,
    *,
    type: str = "",
    format: str = "",
    size: str = "",
    fp: str = "",
    quant_type: str = "",
    file_id: int | None = None,
) -> ModelFile:
    """The file that fits the wishes best; nothing wished gives the primary one.

    What is cleared comes first: a file that is being checked, or was refused, never stands in front
    of the others. Raises NotFound when a wish cannot be met: a client that asked for fp16 must not
    get fp32; Gone with the reason when the files were deleted.
    """
    if version.is_tombstone:
        raise Gone(
            _("The files of this version were deleted: %s") % version.tombstone.reason,
            code="files_deleted",
        )
    wish = Wish(type=type, format=format, size=size, fp=fp, quant_type=quant_type, file_id=file_id)
    files = sorted(version.files.all(), key=lambda file: (not file.is_primary, file.pk))
    if wish.file_id is not None:
        files = [file for file in files if file.pk == wish.file_id]
    elif wish.is_empty:
        files = ([file for file in files if file.is_clean] or files)[:1]
    else:
        fitting = [file for file in files if _matches(file, wish)]
        files = [file for file in fitting if file.is_clean] or fitting or files
    if not files:
        raise NotFound(_("Missing model file"), code="file_missing")
    best = max(files, key=lambda file: (_score(file, wish), file.is_primary, -file.pk))
    if not _matches(best, wish):
        raise NotFound(_("File not found"), code="file_missing")
    return best


def check_download(*, viewer: Viewer, file: ModelFile) -> None:
    """Raise unless this person may have the file now; the version is visible to them already."""
    version = file.version
    if version.model.status == Status.ARCHIVED or version.status == Status.ARCHIVED:
        raise Gone(_("This model is archived; its files are not handed out any more."))
    if version.requires_sign_in and not viewer.is_authenticated:
        raise SignInNeeded(_("The author asks you to sign in before you download this."))
    if is_in_early_access(version) and not can_skip_early_access(viewer, version):
        until = version.early_access_until or timezone.now()
        raise EarlyAccess(
            _("This version opens to everyone on %s.") % f"{until:%Y-%m-%d %H:%M} UTC",
            deadline=until,
        )
    if not file.is_clean and not can_take_unverified(viewer, file):
        raise NotAllowed(
            _("This file is not cleared for download: %s")
            % (file.scan_message or _("it is still being checked.")),
            code="file_not_clean",
        )


def record_download(
    *, file: ModelFile, user: User | None = None, visitor: str = "", now: datetime | None = None
) -> bool:
    """Count a download once for each person and day; returns whether it counted.

    `visitor` is a digest by `visitor_digest`; without it and without a user every call counts.
    """
    day = (now or timezone.now()).date()
    who: dict[str, object] = {"user": user} if user is not None else {"visitor": visitor}
    with transaction.atomic():
        if user is None and not visitor:
            made = True
            Download.objects.create(version_id=file.version_id, file=file, download_date=day)
        else:
            _row, made = Download.objects.get_or_create(
                version_id=file.version_id, download_date=day, **who, defaults={"file": file}
            )
        if made:
            add_download(version_id=file.version_id, model_id=file.version.model_id)
    return made


def visitor_digest(*, address: str, agent: str, now: datetime | None = None) -> str:
    """A keyed digest that tells the visitors of one day apart without keeping their address."""
    day = (now or timezone.now()).date().isoformat()
    text = f"{day}|{address}|{agent}".encode()
    key = str(settings.SECRET_KEY).encode()
    return hmac.new(key, text, hashlib.sha256).hexdigest()[:32]


def download_token(file: ModelFile, *, viewer: Viewer) -> str:
    """What a link carries so that it needs no key and no session; permission is checked before.

    The number of the file, negative where somebody took one that is not cleared, as its people may;
    and that of the person, 0 for nobody in particular.
    """
    numbers = [file.pk if file.is_clean else -file.pk, viewer.pk or 0]
    return signing.dumps(numbers, salt=LINK_SALT)


def linked_file(token: str) -> ModelFile:
    """The file of a link, for whoever brings it, while the one it was made for may have it.

    Raises NotFound for what is no token, and when that person does not see the file any more; Gone
    when its day is over, or when the file was found dangerous, or not clean any more, since the
    link was made; and what `check_download` raises.
    """
    number, person_id = _numbers_in(token)
    viewer = active_person(person_id) if person_id else AnonymousUser()
    if viewer is None:
        raise NotFound(_("File not found"))
    file = signed_file(viewer=viewer, file_id=abs(number))
    if file.scan_status == ScanStatus.DANGER:
        raise Gone(_("This file turned out to be dangerous and is not handed out any more"))
    if file.scan_status == ScanStatus.ERROR and number > 0:
        raise Gone(_("This file was looked at again and is not cleared any more"))
    check_download(viewer=viewer, file=file)
    return file


def _numbers_in(token: str) -> tuple[int, int]:
    try:
        number, person_id = signing.loads(token, salt=LINK_SALT, max_age=LINK_SECONDS)
    except signing.SignatureExpired as error:
        raise Gone(_("This download link has expired; ask for a new one")) from error
    except signing.BadSignature as error:
        raise NotFound(_("File not found")) from error
    return number, person_id


def download_name(file: ModelFile) -> str:
    """The name a file gets on the disk of whoever downloads it, by Civitai's rule."""
    if file.override_name:
        return clean_file_name(file.override_name)
    version = file.version
    model = version.model
    suffix = _extension(file)
    title = f"{_plain(model.name)}_{_plain(version.name)}"
    if file.kind == FileKind.TRAINING_DATA:
        return clean_file_name(f"{title}_trainingData.zip")
    if file.kind == FileKind.VAE or model.type in NAME_KEEPERS:
        return clean_file_name(stem_and_suffix(file.name)[0] + suffix)
    if model.type == ModelType.TEXTUAL_INVERSION:
        words = version.trained_words
        stem = _plain(words[0] if words else "") or title
        negative = "-neg" if file.kind == FileKind.NEGATIVE else ""
        return clean_file_name(f"{stem}{negative}{suffix}")
    part = "" if file.kind in MAIN_KINDS else f"_{_plain(file.get_kind_display())}"
    pruned = "_pruned" if file.kind == FileKind.PRUNED_MODEL else ""
    return clean_file_name(f"{title}{part}{pruned}{suffix}")


def _score(file: ModelFile, wish: Wish) -> float:
    score = 1000.0
    own = _own(file)
    for name, points in POINTS.items():
        wanted = getattr(wish, name) or PREFERRED[name]
        score += points if _fits(name, own[name], wanted) else -points
    if wish.type:
        return score + (1000 if _same(file.kind, wish.type) else 0)
    return score + (1000 if file.kind in MAIN_KINDS else 0)


def _matches(file: ModelFile, wish: Wish) -> bool:
    own = {"type": file.kind, **_own(file)}
    return all(
        not getattr(wish, name) or _fits(name, value, getattr(wish, name))
        for name, value in own.items()
    )


def _own(file: ModelFile) -> dict[str, str]:
    return {
        "format": file.format,
        "size": file.size_kind,
        "fp": file.precision,
        "quant_type": file.quant_type,
    }


def _fits(name: str, value: str, wanted: str) -> bool:
    return (_same_packing if name == "quant_type" else _same)(value, wanted)


def _same(value: str, wanted: str) -> bool:
    return value.casefold() == wanted.casefold()


def _same_packing(value: str, wanted: str) -> bool:
    """Whether weights are packed as wished; `Q4_K_M` and `Q4_K_S` are mixes of mostly `Q4_K`."""
    return _same(value, wanted) or _same(value, QUANT_MIX.sub("", wanted))


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    """Letters and digits of a title, as file names carry them."""
    return "".join(c for c in text.replace(" ", "_") if c.isalnum() or c in "_-.").strip("._")


def _extension(file: ModelFile) -> str:
    """The content decides: a safetensors file is called so whatever its uploader wrote."""
    if file.format == FileFormat.SAFETENSOR:
        return ".safetensors"
    return stem_and_suffix(file.name)[1] or ".bin"
