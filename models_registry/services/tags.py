"""Other words for tags."""

from django.db import transaction
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Conflict, NotAllowed
from models_registry.models.engagement import TagFollow
from models_registry.models.model import Model
from models_registry.models.tag import ModelTag, Tag, TagAlias
from models_registry.services.names import clean_name
from models_registry.services.search import refresh_search
from models_registry.services.words import TAG_LIMIT


def add_alias(*, actor: User, tag: Tag, name: str) -> TagAlias:
    """Let `name` mean the tag; models that carry it as a tag of its own carry the tag instead."""
    if not actor.is_staff:
        raise NotAllowed(_("Only administrators decide which words mean the same tag."))
    word = clean_name(name, limit=TAG_LIMIT).lower()
    if word == tag.name or TagAlias.objects.filter(tag__name=word).exists():
        raise Conflict(_("%s has aliases of its own or is the tag itself.") % word, code="alias")
    with transaction.atomic():
        alias, _made = TagAlias.objects.update_or_create(name=word, defaults={"tag": tag})
        _merge(Tag.objects.filter(name=word).first(), tag)
        for model_id in Model.objects.filter(tags=tag).order_by("pk").values_list("pk", flat=True):
            refresh_search(model_id=model_id)
        audit.record(actor=actor, action="tag.alias", target=tag, detail={"alias": word})
    return alias


def _merge(old: Tag | None, tag: Tag) -> None:
    """Move models and followers of the old tag to the other, then drop it."""
    if old is None:
        return
    for rows, column in (
        (ModelTag.objects.filter(tag=old), "model_id"),
        (TagFollow.objects.filter(tag=old), "follower_id"),
    ):
        there = rows.model._default_manager.filter(tag=tag).values(column)
        rows.exclude(**{f"{column}__in": there}).update(tag=tag)
    old.delete()
