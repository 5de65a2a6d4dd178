"""Files of a version.

Stage: SEALED → HASHED → SCANNED → READY, each written when it is done, so that a killed worker goes
on where it stopped. Scan: PENDING → SUCCESS | DANGER | ERROR; a new look at the bytes starts from
PENDING and SEALED again. Others may download only after SUCCESS; DANGER is never handed out.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Left, Lower
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from hub.core.models import TimeStamped
from models_registry.models.version import ModelVersion


class FileKind(models.TextChoices):
    """What a file is for; the values are those of Civitai's API."""

    MODEL = "Model", _("Model")
    PRUNED_MODEL = "Pruned Model", _("Pruned model")
    NEGATIVE = "Negative", _("Negative embedding")
    VAE = "VAE", "VAE"
    TEXT_ENCODER = "Text Encoder", _("Text encoder")
    UNET = "UNet", "UNet"
    DIFFUSION_MODEL = "Diffusion Model", _("Diffusion model")
    CONTROLNET = "ControlNet", "ControlNet"
    UPSCALER = "Upscaler", _("Upscaler")
    TRAINING_DATA = "Training Data", _("Training data")
    CONFIG = "Config", _("Config")
    ARCHIVE = "Archive", _("Archive")
    WORKFLOW = "Workflow", _("Workflow")
    OTHER = "Other", pgettext_lazy("file kind", "Other")


class FileFormat(models.TextChoices):
    """How the tensors are stored; decided by the bytes, never by the name."""

    SAFETENSOR = "SafeTensor", "SafeTensor"
    PICKLETENSOR = "PickleTensor", "PickleTensor"
    GGUF = "GGUF", "GGUF"
    DIFFUSERS = "Diffusers", "Diffusers"
    ONNX = "ONNX", "ONNX"
    CORE_ML = "Core ML", "Core ML"
    OTHER = "Other", pgettext_lazy("file format", "Other")


class SizeKind(models.TextChoices):
    """Whether training-only weights were left out."""

    FULL = "full", pgettext_lazy("file size", "Full")
    PRUNED = "pruned", pgettext_lazy("file size", "Pruned")


class EmaWeights(models.TextChoices):
    """Averaged weights, which some trainers keep beside the trained ones under `model_ema.`."""

    WITH = "with", pgettext_lazy("file weights", "With EMA weights")
    ONLY = "only", pgettext_lazy("file weights", "EMA weights only")
    WITHOUT = "without", pgettext_lazy("file weights", "Without EMA weights")


class ScanStatus(models.TextChoices):
    """Verdict on the bytes; the values are those of Civitai's API."""

    PENDING = "Pending", _("Checking")
    SUCCESS = "Success", _("Verified")
    DANGER = "Danger", _("Dangerous")
    ERROR = "Error", _("Not cleared")


class FileStage(models.TextChoices):
    """How far the hub has come with a file."""

    SEALED = "sealed", _("Stored; its hashes are computed")
    HASHED = "hashed", _("Hashed; it is being scanned")
    SCANNED = "scanned", _("Scanned; its metadata is read")
    READY = "ready", pgettext_lazy("stage of a file", "Ready")


OUTPUT_NAME_LENGTH = 255
PRECISIONS = ("fp32", "fp16", "bf16", "fp8", "int8", "nf4", "int4")


class ModelFile(TimeStamped):
    """One stored file; `header` is its metadata as written, `sshs` the hash stated in there."""

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="files")
    blob = models.ForeignKey("storage.Blob", on_delete=models.PROTECT, related_name="model_files")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="uploaded_model_files",
    )
    name = models.CharField(max_length=255)
    override_name = models.CharField(max_length=255, blank=True)
    kind = models.CharField(max_length=20, choices=FileKind, default=FileKind.MODEL)
    format = models.CharField(max_length=14, choices=FileFormat, default=FileFormat.OTHER)
    size_kind = models.CharField(max_length=6, choices=SizeKind, blank=True, default="")
    ema = models.CharField(max_length=7, choices=EmaWeights, blank=True, default="")
    precision = models.CharField(max_length=10, blank=True, default="")
    is_primary = models.BooleanField(default=False)
    stage = models.CharField(max_length=8, choices=FileStage, default=FileStage.SEALED)
    scan_status = models.CharField(max_length=8, choices=ScanStatus, default=ScanStatus.PENDING)
    scan_message = models.TextField(blank=True)
    scan_report = models.JSONField(default=dict, blank=True)
    scanned_at = models.DateTimeField(null=True, blank=True)
    header = models.JSONField(null=True, blank=True)
    tensor_count = models.PositiveIntegerField(null=True, blank=True)
    parameter_count = models.BigIntegerField(null=True, blank=True)
    sshs = models.CharField(max_length=64, blank=True)
    #: The name that kohya's scripts gave the file, out of its header: people's prompts have it.
    output_name = models.GeneratedField(
        expression=Left(KeyTextTransform("ss_output_name", "header"), OUTPUT_NAME_LENGTH),
        output_field=models.TextField(null=True),
        db_persist=True,
    )

    #: Set by `catalogue_facts`: values by kind.
    loaded_hashes: dict[str, str] | None = None

    class Meta:
        verbose_name = _("model file")
        verbose_name_plural = _("model files")
        constraints = [
            models.UniqueConstraint(
                fields=["version"], condition=Q(is_primary=True), name="file_one_primary"
            ),
            models.UniqueConstraint(fields=["version", "blob"], name="file_content_once"),
            models.CheckConstraint(condition=Q(kind__in=FileKind.values), name="file_kind_known"),
            models.CheckConstraint(
                condition=Q(format__in=FileFormat.values), name="file_format_known"
            ),
            models.CheckConstraint(
                condition=Q(ema__in=["", *EmaWeights.values]), name="file_ema_known"
            ),
            models.CheckConstraint(
                condition=Q(scan_status__in=ScanStatus.values), name="file_scan_known"
            ),
            models.CheckConstraint(
                condition=Q(stage__in=FileStage.values), name="file_stage_known"
            ),
            models.CheckConstraint(
                condition=Q(scan_status=ScanStatus.PENDING) | Q(scanned_at__isnull=False),
                name="file_scanned_has_time",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="file_has_name"),
        ]
        indexes = [
            models.Index(
                fields=["format", "version"], include=["scan_status"], name="file_of_format"
            ),
            models.Index(
                fields=["precision", "version"], include=["scan_status"], name="file_of_precision"
            ),
            models.Index(
                fields=["created_at"],
                name="file_not_ready",
                condition=~Q(stage="ready"),
            ),
            models.Index(Lower("name"), name="file_by_name"),
            models.Index(
                Lower("override_name"), name="file_by_own_name", condition=~Q(override_name="")
            ),
            models.Index(
                fields=["output_name"],
                name="file_output_name",
                condition=Q(output_name__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_clean(self) -> bool:
        """Scanned and found good: anyone who sees the version may have it."""
        return self.scan_status == ScanStatus.SUCCESS

    @property
    def quant_type(self) -> str:
        """How the weights of a GGUF file are packed, like `Q4_K`; empty for other files."""
        return str(self.scan_report.get("quant_type", ""))

    @property
    def scan_sentence(self) -> str:
        """The verdict's reason in the reader's language; `scan_message` is its English form."""
        report = self.scan_report
        template, params = report.get("message"), report.get("params", {})
        if not template:
            return self.scan_message
        told = gettext(template)
        return told.format(**params) if report.get("has_braces") else told % params

    @property
    def hash_values(self) -> dict[str, str]:
        """Values of the hashes by kind; prefetch `hashes`."""
        if self.loaded_hashes is not None:
            return self.loaded_hashes
        return {row.kind: row.value for row in self.hashes.all()}

    @property
    def size_bytes(self) -> int:
        """Size of the stored bytes."""
        return self.blob.size_bytes
