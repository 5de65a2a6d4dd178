"""What a person has to do with models, people and tags: their own rows, shown to nobody else."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from hub.core.models import TimeStamped
from models_registry.models.model import Model
from models_registry.models.tag import Tag


class EngagementKind(models.TextChoices):
    """LIKE counts for the model; HIDE keeps it out of this person's lists; SEEN is its page."""

    LIKE = "like", _("Like")
    HIDE = "hide", _("Hide")
    FOLLOW = "follow", _("Follow")
    SEEN = "seen", _("Seen")


class ModelEngagement(models.Model):
    """One kind of bond between one person and one model."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="model_engagements"
    )
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="engagements")
    kind = models.CharField(max_length=6, choices=EngagementKind)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("bond with a model")
        verbose_name_plural = _("bonds with models")
        constraints = [
            models.UniqueConstraint(fields=["user", "kind", "model"], name="engagement_once"),
            models.CheckConstraint(
                condition=Q(kind__in=EngagementKind.values), name="engagement_kind_known"
            ),
        ]
        indexes = [models.Index(fields=["model", "kind"], name="engagement_of_model")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.kind} {self.model_id}"


class PersonFollow(models.Model):
    """Somebody whose new models a person wants to see."""

    follower = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="followed_people"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="followers"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("followed person")
        verbose_name_plural = _("followed people")
        constraints = [
            models.UniqueConstraint(fields=["follower", "person"], name="person_followed_once"),
            models.CheckConstraint(
                condition=~Q(follower=F("person")), name="nobody_follows_themselves"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.follower_id} follows {self.person_id}"


class TagFollow(models.Model):
    """A tag whose new models a person wants to see."""

    follower = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="followed_tags"
    )
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="followers")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("followed tag")
        verbose_name_plural = _("followed tags")
        constraints = [
            models.UniqueConstraint(fields=["follower", "tag"], name="tag_followed_once"),
        ]

    def __str__(self) -> str:
        return f"{self.follower_id} follows {self.tag_id}"


class ModelNote(TimeStamped):
    """What a person wrote down about a model for themselves; nobody else reads it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="model_notes"
    )
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="notes")
    text = models.TextField()

    class Meta:
        verbose_name = _("private note")
        verbose_name_plural = _("private notes")
        constraints = [
            models.UniqueConstraint(fields=["user", "model"], name="note_once"),
            models.CheckConstraint(condition=~Q(text=""), name="note_not_empty"),
        ]

    def __str__(self) -> str:
        return self.text[:60]
