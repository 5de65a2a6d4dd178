"""Who may do what with a model; shared by pages, both APIs and sockets.

Whether a person may know of a thing at all is `visible_to` on the querysets.
"""

from django.utils import timezone

from hub.accounts.permissions import can_manage_team
from hub.accounts.queries import is_member, works_in
from hub.core.visibility import Visibility
from models_registry.models.collection import Collection
from models_registry.models.file import ModelFile, ScanStatus
from models_registry.models.model import PUBLIC_STATES, Model, Viewer
from models_registry.models.version import ModelVersion


def can_edit_model(user: Viewer, model: Model) -> bool:
    """The owner, the owners and managers of its team, and administrators."""
    if not user.is_authenticated:
        return False
    if user.pk == model.owner_id or user.is_superuser:
        return True
    return model.team is not None and can_manage_team(user, model.team)


def can_give_model(user: Viewer, model: Model) -> bool:
    """The owner, and administrators, choose the team that a model belongs to."""
    return user.is_authenticated and (user.pk == model.owner_id or user.is_superuser)


def can_add_version(user: Viewer, model: Model) -> bool:
    """Whoever may edit it, and whoever works in the team it is shared with."""
    return can_edit_model(user, model) or works_in(user, model.team)


def can_read_history(user: Viewer, model: Model) -> bool:
    """The people of the model and its team: old texts may tell what was never for everyone."""
    return can_edit_model(user, model) or is_member(user, model.team)


def can_delete_files(user: Viewer, version: ModelVersion) -> bool:
    """Whoever may edit the model, while the version is published or archived."""
    return version.status in PUBLIC_STATES and can_edit_model(user, version.model)


def can_fill_collection(user: Viewer, collection: Collection) -> bool:
    """The owner, and for a team's collection who works there, put models in and take them out."""
    if not user.is_authenticated:
        return False
    if user.pk == collection.owner_id or user.is_superuser:
        return True
    shared = collection.visibility == Visibility.TEAM
    return shared and works_in(user, collection.team)


def can_edit_collection(user: Viewer, collection: Collection) -> bool:
    """The owner, managers of the team that shares it, and administrators rename and delete it."""
    if not user.is_authenticated:
        return False
    if user.pk == collection.owner_id or user.is_superuser:
        return True
    if collection.visibility != Visibility.TEAM or collection.team is None:
        return False
    return can_manage_team(user, collection.team)


def can_edit_version(user: Viewer, version: ModelVersion) -> bool:
    """Whoever may edit the model, and team members while the version is their common draft."""
    model = version.model
    if version.published_at is None:
        return can_add_version(user, model)
    return can_edit_model(user, model)


def can_take_unverified(user: Viewer, file: ModelFile) -> bool:
    """Its own people may fetch a file that is not cleared yet, but never a dangerous one."""
    if file.scan_status == ScanStatus.DANGER:
        return False
    return can_edit_version(user, file.version)


def can_skip_early_access(user: Viewer, version: ModelVersion) -> bool:
    """The model's own people and its team do not wait for the public day."""
    return can_read_history(user, version.model)


def is_in_early_access(version: ModelVersion) -> bool:
    """Published, but not yet open to everyone."""
    until = version.early_access_until
    return until is not None and until > timezone.now()


def can_review(user: Viewer, version: ModelVersion) -> bool:
    """Signed in, and not the owner praising themselves."""
    return bool(user.is_authenticated) and user.pk != version.model.owner_id
