"""What stays of a version whose files were deleted: reason, names, sizes and hashes."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from models_registry.models.file_hash import HashKind
from models_registry.models.version import ModelVersion


class Tombstone(models.Model):
    """Who deleted the files of a version, when and why."""

    version = models.OneToOneField(
        ModelVersion, on_delete=models.CASCADE, related_name="tombstone", primary_key=True
    )
    reason = models.TextField()
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    removed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("tombstone")
        verbose_name_plural = _("tombstones")
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="tombstone_has_reason"),
        ]

    def __str__(self) -> str:
        return self.reason[:60]


class TombstoneFile(models.Model):
    """A file that was deleted, as people knew it; `kind` and `format` are those of ModelFile."""

    tombstone = models.ForeignKey(Tombstone, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=255)
    kind = models.CharField(max_length=20)
    format = models.CharField(max_length=14)
    size_bytes = models.BigIntegerField()
    was_clean = models.BooleanField()

    class Meta:
        verbose_name = _("deleted file")
        verbose_name_plural = _("deleted files")

    def __str__(self) -> str:
        return self.name


class TombstoneHash(models.Model):
    """One hash of a deleted file, upper-case hexadecimal: it is still recognised by it."""

    file = models.ForeignKey(TombstoneFile, on_delete=models.CASCADE, related_name="hashes")
    kind = models.CharField(max_length=6, choices=HashKind.choices)
    value = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("hash of a deleted file")
        verbose_name_plural = _("hashes of deleted files")
        constraints = [
            models.UniqueConstraint(fields=["file", "kind"], name="tombstone_hash_once"),
        ]
        indexes = [
            models.Index(
                fields=["value"], opclasses=["varchar_pattern_ops"], name="tombstone_hash_by_prefix"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"
