"""Taking away what was never public; what was is unpublished or archived instead, never deleted."""

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Conflict, NotAllowed
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion
from models_registry.permissions import can_edit_model, can_edit_version
from models_registry.services.counters import refresh_facts
from models_registry.services.search import refresh_search


def delete_draft_model(*, actor: User, model: Model) -> None:
    """Delete a model that never was public; its stored bytes go after a grace period."""
    if not can_edit_model(actor, model):
        raise NotAllowed(_("Only the people of this model can delete it."))
    with transaction.atomic():
        locked = Model.objects.select_for_update().get(pk=model.pk)
        if locked.published_at is not None:
            raise Conflict(
                _("This model was public: others may refer to it. Archive it instead."),
                code="was_public",
            )
        audit.record(
            actor=actor, action="model.delete", target=locked, detail={"name": locked.name}
        )
        _delete_unused(locked)


def delete_draft_version(*, actor: User, version: ModelVersion) -> None:
    """Delete a version that never was public."""
    if not can_edit_version(actor, version):
        raise NotAllowed(_("Only the people of this model can delete its versions."))
    with transaction.atomic():
        Model.objects.select_for_update().get(pk=version.model_id)
        locked = ModelVersion.objects.select_for_update().get(pk=version.pk)
        if locked.published_at is not None:
            raise Conflict(
                _("This version was public: others may refer to it. Unpublish it instead."),
                code="was_public",
            )
        model_id = locked.model_id
        audit.record(
            actor=actor, action="version.delete", target=locked, detail={"name": locked.name}
        )
        _delete_unused(locked)
        refresh_facts(model_id=model_id)
        refresh_search(model_id=model_id)


def _delete_unused(row: Model | ModelVersion) -> None:
    """Delete a row with all that is its own; Conflict while a training run starts from it."""
    try:
        row.delete()
    except ProtectedError as error:
        raise Conflict(
            _("A training run starts from it: what it was made of has to stay on record."),
            code="in_use",
        ) from error
