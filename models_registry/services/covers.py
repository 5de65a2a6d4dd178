"""Pictures that people send for a version's page."""

from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Conflict, NotFound
from hub.formats.errors import FormatError
from hub.formats.generation.a1111 import emit_infotext
from hub.formats.generation.reading import read_generation_data
from hub.storage.blobs import open_blob
from hub.storage.models import Blob, UploadPurpose
from hub.storage.picture_part import only_picture
from hub.storage.pictures import inspect_picture
from hub.storage.uploads import consume_upload
from models_registry.models.cover import VersionCover
from models_registry.models.version import ModelVersion
from models_registry.services.drafts import add_cover, require_edit

ASIDE = 10_000


def add_uploaded_cover(*, actor: User, version: ModelVersion, upload_id: UUID) -> VersionCover:
    """Take the actor's finished picture for a version, with the generation data that it carries.

    Raises Invalid for what is no picture, Conflict before the upload is complete.
    """
    with transaction.atomic():
        blob, text = take_picture(actor=actor, upload_id=upload_id)
        return add_cover(actor=actor, version=version, blob=blob, generation_text=text)


def take_picture(*, actor: User, upload_id: UUID) -> tuple[Blob, str]:
    """Use up the actor's finished picture; its bytes and its generation data as A1111 writes it.

    Needs the caller's transaction. Raises Conflict before the upload is complete.
    """
    upload = consume_upload(actor=actor, upload_id=upload_id, purpose=UploadPurpose.IMAGE)
    if upload.blob is None:
        raise Conflict(_("The upload is not complete yet."))
    blob = only_picture(upload.blob)
    return blob, _look_at(blob)


def remove_cover(*, actor: User, version: ModelVersion, cover_id: int) -> None:
    """Take a picture off a version's page; example prompts that it was made with stay."""
    cover = _own_cover(actor, version, cover_id)
    with transaction.atomic():
        audit.record(actor=actor, action="version.remove_cover", target=version)
        cover.delete()


def show_first(*, actor: User, version: ModelVersion, cover_id: int) -> None:
    """Make a picture the one that cards show; the others follow in their order."""
    cover = _own_cover(actor, version, cover_id)
    with transaction.atomic():
        ModelVersion.objects.select_for_update().get(pk=version.pk)
        rest = version.covers.exclude(pk=cover.pk).order_by("position", "pk")
        ids = [cover.pk, *rest.values_list("pk", flat=True)]
        # A place is taken by one picture only: all step aside before they take their new ones.
        version.covers.update(position=F("position") + ASIDE)
        for position, pk in enumerate(ids):
            version.covers.filter(pk=pk).update(position=position)
        audit.record(actor=actor, action="version.order_covers", target=version)


def _own_cover(actor: User, version: ModelVersion, cover_id: int) -> VersionCover:
    require_edit(actor, version)
    cover = version.covers.filter(pk=cover_id).first()
    if cover is None:
        raise NotFound(_("This picture was taken away already."))
    return cover


def _look_at(blob: Blob) -> str:
    """Remember what kind of picture it is; returns its generation data as A1111 writes it."""
    with open_blob(blob) as picture:
        facts = inspect_picture(picture)
    if blob.content_type != facts.content_type:
        blob.content_type = facts.content_type
        blob.save(update_fields=["content_type"])
    with open_blob(blob) as picture:
        try:
            data = read_generation_data(picture)
        except FormatError:  # a picture with damaged texts is a picture still
            return ""
    return emit_infotext(data) if data is not None else ""
