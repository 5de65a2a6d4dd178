"""The page that sends pictures: its form, and what was found in each file."""

import uuid
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from frontend.forms.images import NewPostForm
from gallery.services.images import inspect_upload
from hub.accounts.models import User
from hub.core.errors import AtelierError
from models_registry.models.model import Viewer
from models_registry.models.version import ModelVersion

ACCEPTED = ("image/png", "image/jpeg", "image/webp", "image/avif", "image/gif")


@dataclass(frozen=True, slots=True)
class NewPostContext:
    """`/images/upload/`; limits are said before anything is sent."""

    form: NewPostForm
    accepted: str
    max_images: int
    max_bytes: int
    version: ModelVersion | None

    @property
    def words(self) -> dict[str, str]:
        """What the page says while files arrive."""
        return {
            "none": _("Add at least one picture."),
            "waiting": _("Files are still on their way."),
            "looking": _("Reading the picture"),
            "before": _("Picture {number}"),
            "ready_one": _("One picture is ready to be posted."),
            "ready": _("{count} pictures are ready to be posted."),
            "too_many": _("A post can have {most} pictures; take away some of the {count}."),
        }


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file that has arrived; with `error` it cannot be posted."""

    upload_id: str
    width: int = 0
    height: int = 0
    found: str = ""
    has_data: bool = False
    error: str = ""


def new_post_context(*, viewer: Viewer, form: NewPostForm) -> NewPostContext:
    """The form with its limits, and the model that the pictures are said to show."""
    asked = str(form["version"].value() or "")
    version = None
    if asked.isascii() and asked.isdigit() and len(asked) < 19:
        visible = ModelVersion.objects.visible_to(viewer).select_related("model")
        version = visible.filter(pk=int(asked)).first()
    return NewPostContext(
        form=form,
        accepted=",".join(ACCEPTED),
        max_images=settings.POST_MAX_IMAGES,
        max_bytes=settings.IMAGE_MAX_BYTES,
        version=version,
    )


def uploaded_file(upload_id: str, *, actor: User) -> UploadedFile:
    """What stands in the row of a file that has arrived, a reason instead of an error page."""
    try:
        picture = inspect_upload(actor=actor, upload_id=uuid.UUID(upload_id))
    except ValueError:
        return UploadedFile(upload_id="", error=_("This file has not arrived yet."))
    except AtelierError as error:
        return UploadedFile(upload_id=upload_id, error=error.message)
    generation = picture.generation
    names = [resource.name for resource in generation.data.resources] if generation else []
    if generation and generation.data.model:
        names.insert(0, generation.data.model)
    return UploadedFile(
        upload_id=upload_id,
        width=picture.facts.width,
        height=picture.facts.height,
        found=", ".join(names),
        has_data=generation is not None,
    )
