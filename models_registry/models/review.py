"""What people think of a version."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hub.core.models import TimeStamped
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion, versions_for_everyone


class Review(TimeStamped):
    """Stars from 1 to 5, a thumb and text: one for each person and version.

    With the weight and the checkpoint that its author used: a version here, or a name.
    """

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="reviews")
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="reviews")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reviews"
    )
    rating = models.PositiveSmallIntegerField()
    recommended = models.BooleanField()
    text = models.TextField(blank=True)
    weight = models.DecimalField(max_digits=4, decimal_places=2, null=True, blank=True)
    base_name = models.CharField(max_length=160, blank=True)
    base_version = models.ForeignKey(
        ModelVersion, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

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


class ReviewPicture(models.Model):
    """A picture that the author of a review made with the version; sizes in pixels."""

    FOR_EVERYONE = versions_for_everyone("review__version__")

    review = models.OneToOneField(Review, on_delete=models.CASCADE, related_name="picture")
    blob = models.ForeignKey(
        "storage.Blob", on_delete=models.PROTECT, related_name="review_pictures"
    )
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    average_colour = models.CharField(max_length=7, blank=True)
    placeholder = models.TextField(blank=True)
    generation_text = models.TextField(blank=True)

    class Meta:
        verbose_name = _("picture of a review")
        verbose_name_plural = _("pictures of reviews")
        constraints = [
            models.CheckConstraint(
                condition=Q(width__gt=0) & Q(height__gt=0), name="review_picture_has_size"
            ),
        ]

    def __str__(self) -> str:
        return f"picture of {self.review_id}"
