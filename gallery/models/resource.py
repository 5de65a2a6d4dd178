"""A model that took part in making a picture, known here or not."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ResourceKind(models.TextChoices):
    """What a resource is, in the words of generation data."""

    CHECKPOINT = "checkpoint", _("Checkpoint")
    LORA = "lora", _("LoRA")
    EMBEDDING = "embedding", _("Embedding")
    HYPERNETWORK = "hypernetwork", _("Hypernetwork")
    VAE = "vae", _("VAE")
    CONTROLNET = "controlnet", _("ControlNet")
    UPSCALER = "upscaler", _("Upscaler")
    OTHER = "other", _("Other")


class Match(models.TextChoices):
    """How a resource was tied to a model version of this hub."""

    GIVEN = "given", _("Named by the person who posted it")
    HASH = "hash", _("Same file")
    NAME = "name", _("Same name")
    AMBIGUOUS = "ambiguous", _("Several models fit")
    NONE = "none", _("Not on this hub")


class ImageResource(models.Model):
    """One line of "made with": name and hash as the picture says, and the version when known.

    `weight` is the strength in the prompt, 1 when nothing was said. A row without a version keeps
    name and hash, so that publishing the model later can still tie it.
    """

    image = models.ForeignKey("gallery.Image", on_delete=models.CASCADE, related_name="resources")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=12, choices=ResourceKind)
    name = models.CharField(max_length=255, blank=True)
    hash = models.CharField(max_length=64, blank=True)
    weight = models.DecimalField(max_digits=8, decimal_places=4, null=True, blank=True)
    version = models.ForeignKey(
        "models_registry.ModelVersion",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="image_resources",
    )
    match = models.CharField(max_length=9, choices=Match, default=Match.NONE)

    class Meta:
        verbose_name = _("resource of an image")
        verbose_name_plural = _("resources of images")
        indexes = [
            models.Index(
                fields=["hash"], name="image_resource_unmatched", condition=models.Q(version=None)
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["image", "position"], name="image_resource_once_per_place"
            ),
            models.UniqueConstraint(
                fields=["image", "version"],
                name="image_resource_once_per_version",
                condition=models.Q(version__isnull=False),
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=ResourceKind.values), name="image_resource_kind_known"
            ),
            models.CheckConstraint(
                condition=models.Q(match__in=Match.values), name="image_resource_match_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name or self.hash}"

    @property
    def detected(self) -> bool:
        """Whether the picture itself says so, rather than the person who posted it."""
        return self.match != Match.GIVEN
