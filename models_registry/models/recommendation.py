"""What goes with a version: example prompts and other models."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from models_registry.models.cover import VersionCover
from models_registry.models.version import ModelVersion


class ExamplePrompt(models.Model):
    """A prompt that shows what the version does, with the settings it was meant for."""

    version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="example_prompts"
    )
    cover = models.ForeignKey(
        VersionCover,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="example_prompts",
    )
    prompt = models.TextField()
    negative = models.TextField(blank=True)
    note = models.TextField(blank=True)
    sampler = models.CharField(max_length=60, blank=True)
    steps = models.PositiveSmallIntegerField(null=True, blank=True)
    cfg_scale = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    weight = models.DecimalField(max_digits=4, decimal_places=2, null=True, blank=True)
    seed = models.BigIntegerField(null=True, blank=True)
    clip_skip = models.PositiveSmallIntegerField(null=True, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("example prompt")
        verbose_name_plural = _("example prompts")
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="example_position_once"),
            models.CheckConstraint(condition=~models.Q(prompt=""), name="example_has_prompt"),
        ]

    def __str__(self) -> str:
        return self.prompt[:60]


class ResourceKind(models.TextChoices):
    """What a recommended resource is used as."""

    CHECKPOINT = "checkpoint", _("Checkpoint")
    VAE = "vae", "VAE"
    EMBEDDING = "embedding", _("Embedding")
    NEGATIVE_EMBEDDING = "negative_embedding", _("Negative embedding")
    LORA = "lora", "LoRA"
    HYPERNETWORK = "hypernetwork", _("Hypernetwork")
    UPSCALER = "upscaler", _("Upscaler")
    OTHER = "other", _("Other")


class RecommendedResource(models.Model):
    """A model that goes well with this version: a version here, or a name known elsewhere."""

    version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="recommended_resources"
    )
    resource_version = models.ForeignKey(
        ModelVersion,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="recommended_by",
    )
    name = models.CharField(max_length=160)
    kind = models.CharField(max_length=20, choices=ResourceKind)
    weight = models.DecimalField(max_digits=4, decimal_places=2, null=True, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("recommended resource")
        verbose_name_plural = _("recommended resources")
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="resource_position_once"),
            models.CheckConstraint(
                condition=models.Q(kind__in=ResourceKind.values), name="resource_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name
