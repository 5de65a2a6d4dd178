"""Who took which version on which day: a download counts once for each person and day."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from models_registry.models.file import ModelFile
from models_registry.models.version import ModelVersion


class Download(models.Model):
    """One counted download; `visitor` is a keyed digest for people who are not signed in."""

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="downloads")
    file = models.ForeignKey(
        ModelFile, on_delete=models.SET_NULL, null=True, related_name="downloads"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="model_downloads",
    )
    visitor = models.CharField(max_length=32, blank=True)
    download_date = models.DateField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("download")
        verbose_name_plural = _("downloads")
        constraints = [
            models.UniqueConstraint(
                fields=["version", "user", "download_date"],
                condition=Q(user__isnull=False),
                name="download_once_a_day_by_user",
            ),
            models.UniqueConstraint(
                fields=["version", "visitor", "download_date"],
                condition=~Q(visitor=""),
                name="download_once_a_day_by_visitor",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version_id} on {self.download_date}"
