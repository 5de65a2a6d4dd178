"""What made a picture: the text as it stands in the file, and the parts that people look for."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.utils.translation import gettext_lazy as _

from hub.core.models import QuickRow


class Process(models.TextChoices):
    """How the picture came from the prompt; Civitai's names."""

    TXT2IMG = "txt2img", _("Text to image")
    TXT2IMG_HIRES = "txt2imgHiRes", _("Text to image, upscaled")
    IMG2IMG = "img2img", _("Image to image")
    INPAINTING = "inpainting", _("Inpainting")


class Generation(QuickRow):
    """Generation data of one picture.

    `text` is what the file carries, unchanged; `data` is the parsed document; `copy_text` the same
    data as the text that other programs read. The columns repeat those parts that pages show and
    lists filter on; `search_words` are the words of the prompt, Chinese in pairs of characters.
    With `is_given` the text came with the post and the file is not read again. A table of its own
    keeps the rows of `Image`, which every list reads, small.
    """

    image = models.OneToOneField(
        "gallery.Image", on_delete=models.CASCADE, primary_key=True, related_name="generation"
    )
    source = models.CharField(max_length=24)
    text = models.TextField(blank=True)
    data = models.JSONField()
    copy_text = models.TextField(blank=True)
    is_given = models.BooleanField(default=False)
    prompt = models.TextField(blank=True)
    negative_prompt = models.TextField(blank=True)
    sampler = models.CharField(max_length=80, blank=True)
    steps = models.PositiveIntegerField(null=True, blank=True)
    cfg_scale = models.FloatField(null=True, blank=True)
    seed = models.DecimalField(max_digits=24, decimal_places=0, null=True, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    clip_skip = models.PositiveSmallIntegerField(null=True, blank=True)
    denoising_strength = models.FloatField(null=True, blank=True)
    model_name = models.CharField(max_length=255, blank=True)
    model_hash = models.CharField(max_length=64, blank=True)
    search_words = models.TextField(blank=True, editable=False)
    search = models.GeneratedField(
        expression=SearchVector("search_words", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    process = models.CharField(max_length=16, choices=Process, default=Process.TXT2IMG)

    class Meta:
        verbose_name = _("generation data")
        verbose_name_plural = _("generation data")
        indexes = [GinIndex(fields=["search"], name="generation_search")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(process__in=Process.values), name="generation_process_known"
            ),
        ]

    def __str__(self) -> str:
        return self.prompt[:60] or f"generation data of {self.image_id}"
