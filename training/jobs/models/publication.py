"""Which version came from which checkpoint: what makes publishing twice the same as once."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from gallery.models.post import Post
from models_registry.models.version import ModelVersion
from training.jobs.models.artifact import JobArtifact
from training.jobs.models.job import Job


class JobPublication(models.Model):
    """A checkpoint's way into registry and gallery; the post comes after the version."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="publications")
    artifact = models.OneToOneField(
        JobArtifact, on_delete=models.CASCADE, related_name="publication"
    )
    version = models.OneToOneField(
        ModelVersion, on_delete=models.CASCADE, related_name="publication"
    )
    post = models.OneToOneField(
        Post, on_delete=models.SET_NULL, null=True, blank=True, related_name="publication"
    )
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="job_publications"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("publication of a run")
        verbose_name_plural = _("publications of runs")

    def __str__(self) -> str:
        return f"{self.job_id} as {self.version_id}"
