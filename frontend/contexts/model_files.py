"""Files of a version as rows: verdict, what may be had, and what lies beside a download."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _

from frontend.contexts.components import Deed, FileRow, Label, Link
from frontend.contexts.file_verdict import conversion_of, verdict_label, verdict_of
from hub.storage.blobs import blob_exists
from models_registry.models.file import EmaWeights, FileFormat, FileKind, ModelFile
from models_registry.models.file_hash import HashKind
from models_registry.models.model import PUBLIC_STATES, Viewer
from models_registry.permissions import can_edit_version, can_take_unverified
from models_registry.services.download import download_name
from models_registry.services.file_facts import ToldFacts


def file_row(file: ModelFile, viewer: Viewer) -> FileRow:
    """One file with its verdict; without a link when this person may not have it."""
    labels = [verdict_label(file), Label(file.get_format_display())]
    if file.kind != FileKind.MODEL:
        labels.append(Label(file.get_kind_display()))
    present = blob_exists(file.blob)
    if not present:
        labels.append(Label(_("File missing"), "danger", "file-x"))
    allowed = present and (file.is_clean or can_take_unverified(viewer, file))
    hashes = {row.kind: row.value for row in file.hashes.all()}
    query = f"?fileId={file.pk}"
    facts = (file.precision, file.get_size_kind_display(), file.get_ema_display())
    is_own = can_edit_version(viewer, file.version)
    link = reverse("civitai-download", args=[file.version_id]) + query if allowed else ""
    return FileRow(
        name=download_name(file),
        size_bytes=file.size_bytes,
        labels=tuple(labels),
        facts=" · ".join(str(fact) for fact in facts if fact),
        download_url=link,
        hash_kind="SHA256" if HashKind.SHA256 in hashes else "",
        hash_value=hashes.get(HashKind.SHA256, ""),
        hashes=tuple((kind.label, hashes[kind]) for kind in HashKind if kind in hashes),
        links=tuple(_links(file)) if link else (),
        verdict=verdict_of(file),
        conversion=conversion_of(file, viewer),
        deeds=tuple(_deeds(file)) if is_own else (),
        edit_url=reverse("model_file_edit", args=[file.pk]) if is_own else "",
        id=f"file-{file.pk}",
    )


def told_labels(file: ModelFile) -> list[Label]:
    """What the bytes of a file say of themselves."""
    told = ToldFacts.of(file)
    ema = EmaWeights.WITH.label if told.has_ema else ""
    return [Label(text) for text in (told.format, told.precision, str(ema)) if text]


def _deeds(file: ModelFile) -> Iterator[Deed]:
    """What the people of a model do with its files."""
    if not file.is_primary:
        yield Deed(
            _("Make it the main file"), reverse("model_file_primary", args=[file.pk]), "star"
        )
    yield Deed(_("Check again"), reverse("model_file_rescan", args=[file.pk]), "rotate-ccw")
    yield Deed(_("Remove"), reverse("model_file_remove", args=[file.pk]), "trash-2")


def _links(file: ModelFile) -> Iterator[Link]:
    """What lies beside the file: its tensors, and the small files that programs look for."""
    if file.format == FileFormat.SAFETENSOR and file.is_clean:
        yield Link(_("Tensors"), reverse("model_file_tensors", args=[file.pk]))
    yield Link(".sha256", reverse("civitai-sidecar-sha256", args=[file.pk]))
    if file.is_clean and file.version.status in PUBLIC_STATES:
        yield Link(".civitai.info", reverse("civitai-sidecar-info", args=[file.pk]))
    if file.version.covers.all():
        yield Link(_("Preview"), reverse("civitai-sidecar-preview", args=[file.pk]))
