"""Collections: models that somebody keeps together, for themselves, a team or everyone."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hub.accounts.models import Membership
from hub.core.models import TimeStamped
from hub.core.visibility import Visibility
from models_registry.models.model import Model, Viewer


class CollectionQuerySet(models.QuerySet["Collection"]):
    """Vocabulary of collections."""

    def visible_to(self, user: Viewer) -> Self:
        """Public ones, one's own, and those that a team of this person shares."""
        public = Q(visibility=Visibility.PUBLIC)
        if not user.is_authenticated:
            return self.filter(public)
        if user.is_superuser:
            return self.all()
        teams = Membership.objects.filter(user_id=user.pk).values("team_id")
        shared = Q(visibility=Visibility.TEAM, team_id__in=teams)
        return self.filter(public | shared | Q(owner_id=user.pk))

    def editable_by(self, user: Viewer) -> Self:
        """Where this person may put models: their own, and what their teams share."""
        if not user.is_authenticated:
            return self.none()
        teams = Membership.objects.filter(user_id=user.pk).values("team_id")
        shared = Q(visibility=Visibility.TEAM, team_id__in=teams)
        return self.filter(shared | Q(owner_id=user.pk))


class Collection(TimeStamped):
    """A named list. How much is in it depends on who looks: no count is kept."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="collections"
    )
    team = models.ForeignKey(
        "accounts.Team",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="collections",
    )
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    visibility = models.CharField(
        max_length=8, choices=Visibility.choices, default=Visibility.PRIVATE
    )

    objects = CollectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("collection")
        verbose_name_plural = _("collections")
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="collection_has_name"),
            models.CheckConstraint(
                condition=Q(visibility__in=Visibility.values), name="collection_visibility_known"
            ),
            models.CheckConstraint(
                condition=~Q(visibility=Visibility.TEAM) | Q(team__isnull=False),
                name="collection_of_team_has_team",
            ),
        ]
        indexes = [
            models.Index(fields=["-updated_at", "-id"], name="collection_newest"),
            models.Index(fields=["owner", "-updated_at", "-id"], name="collection_of_owner"),
        ]

    def __str__(self) -> str:
        return self.name


class CollectionItem(models.Model):
    """A model in a collection, and who put it there."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="items")
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="collection_items")
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("model in a collection")
        verbose_name_plural = _("models in collections")
        constraints = [
            models.UniqueConstraint(fields=["collection", "model"], name="collected_once"),
        ]
        indexes = [models.Index(fields=["collection", "-id"], name="collected_newest")]

    def __str__(self) -> str:
        return f"{self.model_id} in {self.collection_id}"
