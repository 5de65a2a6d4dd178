"""Pictures on a version's page; the gallery keeps its own posts."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from hub.core.models import QuickRow
from models_registry.models.version import ModelVersion, versions_for_everyone


class VersionCover(QuickRow):
    """A picture with the facts that hold its box before it loads; sizes in pixels."""

    FOR_EVERYONE = versions_for_everyone("version__")

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="covers")
    blob = models.ForeignKey("storage.Blob", on_delete=models.PROTECT, related_name="covers")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    position = models.PositiveSmallIntegerField(default=0)
    average_colour = models.CharField(max_length=7, blank=True)
    placeholder = models.TextField(blank=True)
    blurhash = models.CharField(max_length=60, blank=True)
    nsfw_level = models.PositiveSmallIntegerField(default=1)
    generation_text = models.TextField(blank=True)

    class Meta:
        verbose_name = _("cover")
        verbose_name_plural = _("covers")
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="cover_position_once"),
            models.UniqueConstraint(fields=["version", "blob"], name="cover_picture_once"),
            models.CheckConstraint(
                condition=models.Q(width__gt=0) & models.Q(height__gt=0), name="cover_has_size"
            ),
        ]

    def __str__(self) -> str:
        return f"cover {self.position} of {self.version_id}"
