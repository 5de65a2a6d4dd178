"""Saving models for later."""

from django.db import transaction
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core.errors import NotFound
from models_registry.models.bookmark import Bookmark
from models_registry.models.model import Model
from models_registry.services.counters import recount_bookmarks


def save_model(*, actor: User, model: Model) -> Bookmark:
    """Keep a model at hand; twice is the same as once."""
    if not Model.objects.reachable_by(actor).filter(pk=model.pk).exists():
        raise NotFound(_("There is no such model."))
    with transaction.atomic():
        bookmark, made = Bookmark.objects.get_or_create(user=actor, model=model)
        if made:
            recount_bookmarks(model_id=model.pk)
    return bookmark


def forget_model(*, actor: User, model: Model) -> None:
    """Keep it no longer; forgetting what was not saved is no error."""
    with transaction.atomic():
        gone, _rows = Bookmark.objects.filter(user=actor, model=model).delete()
        if gone:
            recount_bookmarks(model_id=model.pk)
