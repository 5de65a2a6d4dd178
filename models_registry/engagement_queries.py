"""Reads of what a person has to do with a model."""

from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from hub.accounts.models import User
from hub.core.kept_queries import KeptRows
from models_registry.models.bookmark import Bookmark
from models_registry.models.engagement import (
    EngagementKind,
    ModelEngagement,
    ModelNote,
    PersonFollow,
    TagFollow,
)
from models_registry.models.model import ONLY_ASKED, Model, Viewer
from models_registry.models.tag import Tag


@dataclass(frozen=True, slots=True)
class Standing:
    """How this person stands to one model; everything off for guests."""

    is_saved: bool = False
    is_liked: bool = False
    is_hidden: bool = False
    is_followed: bool = False
    is_seen: bool = False
    follows_owner: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Followed:
    """Whom and what a person follows, by name."""

    people: tuple[str, ...]
    tags: tuple[str, ...]
    models: tuple[Model, ...]


def follows_person(viewer: Viewer, person: User) -> bool:
    """Whether the viewer follows this person."""
    return PersonFollow.objects.filter(follower_id=viewer.pk, person=person).exists()


def standing_of(viewer: Viewer, model: Model) -> Standing:
    """What the buttons of a model's page show: one query, none for guests."""
    if not viewer.is_authenticated:
        return Standing()
    is_saved, follows_owner, note, kinds = _bonds(viewer.pk, model.pk)[0]
    return Standing(
        is_saved=is_saved,
        is_liked=EngagementKind.LIKE in kinds,
        is_hidden=EngagementKind.HIDE in kinds,
        is_followed=EngagementKind.FOLLOW in kinds,
        is_seen=EngagementKind.SEEN in kinds,
        follows_owner=follows_owner,
        note=note or "",
    )


def hidden_version_ids(viewer: Viewer) -> list[int]:
    """Versions of the models that the viewer hides everywhere; one query, none for guests."""
    if not viewer.is_authenticated:
        return []
    return [key for (key,) in _hidden_versions(viewer.pk)]


def followed_by(viewer: Viewer) -> Followed:
    """People, tags and models that the viewer follows; only models they may still see."""
    if not viewer.is_authenticated:
        return Followed((), (), ())
    people = PersonFollow.objects.filter(follower_id=viewer.pk, person__is_active=True)
    tags = TagFollow.objects.filter(follower_id=viewer.pk)
    bonds = ModelEngagement.objects.filter(
        user_id=viewer.pk, kind=EngagementKind.FOLLOW, model_id=OuterRef("pk")
    )
    models = Model.objects.reachable_by(viewer).filter(Exists(bonds)).defer(*ONLY_ASKED)
    return Followed(
        people=tuple(
            people.order_by("person__username").values_list("person__username", flat=True)
        ),
        tags=tuple(tags.order_by("tag__name").values_list("tag__name", flat=True)),
        models=tuple(models.order_by("name", "pk")),
    )


def follows_tag(viewer: Viewer, name: str) -> bool:
    """Whether this person follows the tag of this name or alias."""
    if not viewer.is_authenticated:
        return False
    wanted = name.strip().lower()
    tags = Tag.objects.filter(Q(name=wanted) | Q(aliases__name=wanted))
    return TagFollow.objects.filter(follower_id=viewer.pk, tag__in=tags).exists()


def _bonds_of(viewer_id: int, model_id: int) -> QuerySet[Model, tuple[bool, bool, str | None, Any]]:
    """Whether it is saved, whether its owner is followed, the note, and the kinds of engagement."""
    saved = Bookmark.objects.filter(user_id=viewer_id, model_id=OuterRef("pk"))
    follows = PersonFollow.objects.filter(follower_id=viewer_id, person_id=OuterRef("owner_id"))
    note = ModelNote.objects.filter(user_id=viewer_id, model_id=OuterRef("pk")).values("text")
    kinds = ModelEngagement.objects.filter(user_id=viewer_id, model_id=OuterRef("pk"))
    return (
        Model.objects.filter(pk=model_id)
        .order_by()
        .values_list(
            Exists(saved), Exists(follows), Subquery(note[:1]), ArraySubquery(kinds.values("kind"))
        )
    )


_bonds = KeptRows(_bonds_of)


_hidden_versions = KeptRows(
    lambda person_id: (
        ModelEngagement.objects.filter(user_id=person_id, kind=EngagementKind.HIDE)
        .exclude(model__versions=None)
        .values_list("model__versions")
    )
)
