"""A reaction of one person to one picture."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ReactionKind(models.TextChoices):
    """The five reactions that the community's API counts."""

    LIKE = "like", _("Like")
    DISLIKE = "dislike", _("Dislike")
    LAUGH = "laugh", _("Laugh")
    CRY = "cry", _("Cry")
    HEART = "heart", _("Heart")


class Reaction(models.Model):
    """One row per person, picture and kind; counts stand on the picture."""

    image = models.ForeignKey("gallery.Image", on_delete=models.CASCADE, related_name="reactions")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reactions"
    )
    kind = models.CharField(max_length=7, choices=ReactionKind)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("reaction")
        verbose_name_plural = _("reactions")
        constraints = [
            models.UniqueConstraint(
                fields=["image", "user", "kind"], name="one_reaction_of_a_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=ReactionKind.values), name="reaction_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.user_id} on {self.image_id}"
