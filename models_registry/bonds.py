"""Conditions on models by what a person, or a tag, has to do with them."""

from collections.abc import Collection

from django.db.models import Exists, OuterRef, Q, QuerySet

from models_registry.models.bookmark import Bookmark
from models_registry.models.engagement import (
    EngagementKind,
    ModelEngagement,
    PersonFollow,
    TagFollow,
)
from models_registry.models.model import Model, Viewer
from models_registry.models.tag import ModelTag


def with_tag_keys(keys: Collection[int]) -> QuerySet[ModelTag]:
    """Rows of models with any of the tags of these keys."""
    return ModelTag.objects.filter(tag_id__in=keys, model_id=OuterRef("pk"))


def engagements(viewer: Viewer, kind: str) -> QuerySet[ModelEngagement]:
    """Bonds of one kind between the viewer and the model of the outer query."""
    return ModelEngagement.objects.filter(
        user_id=viewer.pk or 0, kind=kind, model_id=OuterRef("pk")
    )


def saved(viewer: Viewer) -> Q:
    """Models that the viewer keeps at hand."""
    return Q(Exists(Bookmark.objects.filter(user_id=viewer.pk or 0, model_id=OuterRef("pk"))))


def hidden(viewer: Viewer) -> Q:
    """Models that the viewer hides."""
    return Q(Exists(engagements(viewer, EngagementKind.HIDE)))


def followed(viewer: Viewer) -> Q:
    """Models that the viewer follows, and those of people and with tags that they follow.

    One list of keys rather than three conditions with OR, which would be tried on every model.
    """
    own = engagements_of(viewer, EngagementKind.FOLLOW).values("model_id")
    people = PersonFollow.objects.filter(follower_id=viewer.pk).values("person_id")
    tags = TagFollow.objects.filter(follower_id=viewer.pk).values("tag_id")
    theirs = Model.objects.filter(owner_id__in=people).values("pk")
    tagged = ModelTag.objects.filter(tag_id__in=tags).values("model_id")
    return Q(pk__in=own.union(theirs, tagged))


def engagements_of(viewer: Viewer, *kinds: str) -> QuerySet[ModelEngagement]:
    """Bonds of these kinds between the viewer and any model."""
    return ModelEngagement.objects.filter(user_id=viewer.pk or 0, kind__in=kinds)
