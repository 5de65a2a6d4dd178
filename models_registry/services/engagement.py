"""Likes, hiding, following, notes: what a person has to do with models, people and tags."""

from django.db import transaction
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core.errors import Invalid, NotFound
from models_registry.models.engagement import (
    EngagementKind,
    ModelEngagement,
    ModelNote,
    PersonFollow,
    TagFollow,
)
from models_registry.models.model import Model, Viewer
from models_registry.models.tag import Tag
from models_registry.services.columns import check_length
from models_registry.services.counters import recount_reviews

#: What a person switches by hand; SEEN comes from opening the page.
SWITCHES = frozenset({EngagementKind.LIKE, EngagementKind.HIDE, EngagementKind.FOLLOW})


def set_engagement(*, actor: User, model: Model, kind: str, is_on: bool) -> None:
    """Like, hide or follow a model, or no longer; twice is the same as once."""
    if kind not in SWITCHES:
        raise Invalid(_("A model can be liked, hidden or followed."), code="choice_unknown")
    _require_reachable(actor, model)
    with transaction.atomic():
        rows = ModelEngagement.objects.filter(user=actor, model=model, kind=kind)
        if is_on:
            _row, changed = ModelEngagement.objects.get_or_create(
                user=actor, model=model, kind=kind
            )
        else:
            changed = bool(rows.delete()[0])
        if changed and kind == EngagementKind.LIKE:
            recount_reviews(model_id=model.pk)


def mark_seen(*, viewer: Viewer, model_id: int) -> None:
    """Remember that this person opened the model's page; nothing for guests."""
    if not viewer.is_authenticated:
        return
    row = ModelEngagement(user_id=viewer.pk, model_id=model_id, kind=EngagementKind.SEEN)
    ModelEngagement.objects.bulk_create([row], ignore_conflicts=True)


def follow_person(*, actor: User, username: str, is_on: bool) -> User:
    """Follow whoever publishes models, or no longer; returns the person."""
    person = User.objects.filter(username__iexact=username, is_active=True).first()
    if person is None:
        raise NotFound(_("There is nobody of this name here."))
    if person.pk == actor.pk:
        raise Invalid(_("You see your own models anyway."), code="follow_self")
    if is_on:
        PersonFollow.objects.get_or_create(follower=actor, person=person)
    else:
        PersonFollow.objects.filter(follower=actor, person=person).delete()
    return person


def follow_tag(*, actor: User, name: str, is_on: bool) -> Tag:
    """Follow a tag, called by its name or an alias, or no longer; returns the tag."""
    wanted = name.strip().lower()
    tag = (
        Tag.objects.filter(name=wanted).first() or Tag.objects.filter(aliases__name=wanted).first()
    )
    followed = TagFollow.objects.filter(follower=actor, tag=tag)
    # A tag that only somebody's private model has is not there: its name may be the secret.
    if tag is None or not (followed.exists() or _known_to(actor, tag)):
        raise NotFound(_("No model has this tag."))
    if is_on:
        TagFollow.objects.get_or_create(follower=actor, tag=tag)
    else:
        followed.delete()
    return tag


def _known_to(actor: User, tag: Tag) -> bool:
    return Model.objects.visible_to(actor).filter(model_tags__tag=tag).exists()


def write_note(*, actor: User, model: Model, text: str) -> None:
    """Keep a private note on a model; an empty one is taken away."""
    _require_reachable(actor, model)
    text = check_length(text.strip())
    if text:
        ModelNote.objects.update_or_create(user=actor, model=model, defaults={"text": text})
    else:
        ModelNote.objects.filter(user=actor, model=model).delete()


def _require_reachable(actor: User, model: Model) -> None:
    if not Model.objects.reachable_by(actor).filter(pk=model.pk).exists():
        raise NotFound(_("There is no such model."))
