"""A dataset: the pictures of one subject or style, owned by a person, shared with a team."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from hub.accounts.models import Team, User
from hub.core.ids import uuid7
from hub.core.models import TimeStamped
from hub.core.visibility import Visibility

MIN_RESOLUTION, MAX_RESOLUTION = 64, 2048
MAX_NAME_CHARACTERS = 120


class Kind(models.TextChoices):
    """What the pictures show; it chooses presets and the class prompt."""

    CHARACTER = "character", _("Character")
    STYLE = "style", pgettext_lazy("kind of dataset", "Style")
    OBJECT = "object", pgettext_lazy("kind of dataset", "Object")
    CLOTHING = "clothing", _("Clothing")


class DatasetQuerySet(models.QuerySet["Dataset"]):
    """Vocabulary of dataset lists."""

    def alive(self) -> DatasetQuerySet:
        """Leave out what was deleted."""
        return self.filter(deleted_at__isnull=True)

    def visible_to(self, user: User | AnonymousUser) -> DatasetQuerySet:
        """Those the person may see: own, of the teams, public ones; administrators all."""
        if not user.is_authenticated:
            return self.none()
        if user.is_superuser:
            return self.alive()
        mine = Q(owner_id=user.pk)
        shared = Q(visibility=Visibility.TEAM, team__memberships__user_id=user.pk)
        return self.alive().filter(
            pk__in=self.model.objects.filter(
                mine | shared | Q(visibility=Visibility.PUBLIC)
            ).values("pk")
        )


class Dataset(TimeStamped):
    """Pictures with crops and tags; `resolution` is the bucket side they are checked against."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="datasets")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="datasets"
    )
    name = models.CharField(max_length=MAX_NAME_CHARACTERS)
    slug = models.SlugField(max_length=120, unique=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.CHARACTER)
    trigger_word = models.CharField(max_length=80, blank=True)
    class_prompt = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    resolution = models.PositiveIntegerField(
        default=512,
        validators=[MinValueValidator(MIN_RESOLUTION), MaxValueValidator(MAX_RESOLUTION)],
    )
    visibility = models.CharField(max_length=8, choices=Visibility.choices, default=Visibility.TEAM)
    item_count = models.PositiveIntegerField(default=0)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        verbose_name = _("dataset")
        verbose_name_plural = _("datasets")
        constraints = [
            models.CheckConstraint(
                condition=Q(resolution__gte=MIN_RESOLUTION, resolution__lte=MAX_RESOLUTION),
                name="dataset_resolution_in_range",
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="dataset_kind_known"),
        ]
        indexes = [
            models.Index(
                fields=["team", "-updated_at"],
                condition=Q(deleted_at__isnull=True),
                name="dataset_of_team_newest",
            ),
        ]

    def __str__(self) -> str:
        return self.name
