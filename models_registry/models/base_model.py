"""Base models by the names the community uses, with what depends on them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from hub.core.models import QuickRow


class BaseModelType(models.TextChoices):
    """Variants of a base model that need other inputs."""

    STANDARD = "Standard", _("Standard")
    INPAINTING = "Inpainting", _("Inpainting")
    REFINER = "Refiner", _("Refiner")
    PIX2PIX = "Pix2Pix", _("Pix2Pix")


class BaseModel(QuickRow):
    """What a version was trained on or belongs with: a row, so that new names need no release.

    `family` says which code path fits (sd1, sd2, sdxl, …, tiny); `ecosystem` is the root family of
    resource names (AIR), where Pony and Illustrious count as sdxl. Native size in pixels.
    """

    name = models.CharField(max_length=60)
    family = models.CharField(max_length=30)
    ecosystem = models.CharField(max_length=30)
    native_width = models.PositiveIntegerField(null=True, blank=True)
    native_height = models.PositiveIntegerField(null=True, blank=True)
    licence_name = models.CharField(max_length=120, blank=True)
    licence_url = models.URLField(max_length=300, blank=True)
    is_active = models.BooleanField(default=True)
    sort = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("base model")
        verbose_name_plural = _("base models")
        constraints = [
            models.UniqueConstraint(fields=["name"], name="base_model_name_unique"),
            models.CheckConstraint(
                condition=~models.Q(family="") & ~models.Q(ecosystem=""),
                name="base_model_family_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name
