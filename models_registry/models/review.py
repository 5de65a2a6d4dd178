"""What people think of a version."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hub.core.models import TimeStamped
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion


class Review(TimeStamped):
    """Stars from 1 to 5, a thumb and text: one for each person and version."""

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="reviews")
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="reviews")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reviews"
    )
    rating = models.PositiveSmallIntegerField()
    recommended = models.BooleanField()
    text = models.TextField(blank=True)

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        constraints = [
            models.UniqueConstraint(fields=["version", "author"], name="review_once"),
            models.CheckConstraint(
                condition=Q(rating__gte=1) & Q(rating__lte=5), name="review_rating_in_range"
            ),
        ]
        indexes = [models.Index(fields=["model", "-created_at"], name="review_by_model")]

    def __str__(self) -> str:
        return f"{self.rating} for {self.version_id}"
