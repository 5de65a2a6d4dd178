"""The edit page around its forms: the pictures of the version, and names to choose from."""

from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from frontend.contexts.components import Picture
from frontend.contexts.model_history import author_of, label_of
from frontend.contexts.model_list import cover_picture
from models_registry.card_history import change_since
from models_registry.models.model import Viewer
from models_registry.models.version import ModelVersion
from models_registry.services.drafts import MAX_COVERS
from models_registry.version_lookup import names_to_recommend

THUMB_WIDTH = 320


@dataclass(frozen=True, slots=True)
class EditedCover:
    """A picture of the version with its number on the page."""

    id: int
    number: int
    picture: Picture


@dataclass(frozen=True, slots=True)
class EditContext:
    """`/models/versions/7/edit/`."""

    covers: list[EditedCover]
    has_room: bool
    known_models: list[str]
    seen: int
    changed_by: str = ""
    changed_fields: tuple[str, ...] = ()


def edit_context(*, viewer: Viewer, version: ModelVersion, seen: int) -> EditContext:
    """What the page prints beside its forms, and what others changed after the revision `seen`."""
    covers = [
        EditedCover(
            cover.pk,
            number,
            cover_picture(
                cover, version.model, version, alt=_("Picture %d") % number, width=THUMB_WIDTH
            ),
        )
        for number, cover in enumerate(version.covers.all(), 1)
    ]
    names = names_to_recommend(viewer=viewer, version=version)
    page = EditContext(covers, len(covers) < MAX_COVERS, names, seen)
    change = change_since(version.model, seen)
    if change is None:
        return page
    return replace(
        page,
        seen=change.revision.pk,
        changed_by=author_of(change),
        changed_fields=tuple(label_of(field) for field in change.changes),
    )
