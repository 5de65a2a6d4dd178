"""Names of a file's content, as the community's tools write them."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from models_registry.models.file import ModelFile

MIN_PREFIX = 8


class HashKind(models.TextChoices):
    """The seven kinds; all but the last are names of Civitai's API."""

    SHA256 = "SHA256", "SHA256"
    AUTOV1 = "AutoV1", "AutoV1"
    AUTOV2 = "AutoV2", "AutoV2"
    AUTOV3 = "AutoV3", "AutoV3"
    BLAKE3 = "BLAKE3", "BLAKE3"
    CRC32 = "CRC32", "CRC32"
    SSHS = "SSHS", "sshs_model_hash"


class ModelFileHash(models.Model):
    """One hash of one file, upper-case hexadecimal; found by any prefix of 8 or more characters."""

    file = models.ForeignKey(ModelFile, on_delete=models.CASCADE, related_name="hashes")
    kind = models.CharField(max_length=6, choices=HashKind)
    value = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("file hash")
        verbose_name_plural = _("file hashes")
        constraints = [
            models.UniqueConstraint(fields=["file", "kind"], name="hash_kind_once"),
            models.CheckConstraint(condition=Q(kind__in=HashKind.values), name="hash_kind_known"),
            models.CheckConstraint(
                condition=Q(value__regex=r"^[0-9A-F]{8,64}$"), name="hash_is_upper_hex"
            ),
        ]
        indexes = [
            models.Index(
                fields=["value"], opclasses=["varchar_pattern_ops"], name="hash_by_prefix"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"
