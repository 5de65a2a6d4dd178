"""A picture of the gallery.

States: PENDING -> READY | FAILED, set once by the processing task; FAILED -> READY when it is
processed again. Only READY pictures are shown to others; the owner sees all three.
"""

from typing import Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from gallery.models.visible import shared_with
from hub.accounts.models import User
from hub.core.models import TimeStamped
from hub.core.visibility import Visibility


class ImageStatus(models.TextChoices):
    """How far the hub has read a picture."""

    PENDING = "pending", _("Reading the picture")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Could not be read")


class NsfwLevel(models.IntegerChoices):
    """Bits of the rating; the names and values are those of Civitai's API."""

    PG = 1, "PG"
    PG13 = 2, "PG-13"
    R = 4, "R"
    X = 8, "X"
    XXX = 16, "XXX"


class ImageQuerySet(models.QuerySet["Image"]):
    """Vocabulary of pictures."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Pictures the person may see; unread and hidden ones only to owner and administrators."""
        shown = models.Q(status=ImageStatus.READY, hidden_at=None)
        if not user.is_authenticated:
            return self.filter(shown, shared_with(user))
        if user.is_superuser:
            return self.all()
        return self.filter(models.Q(owner_id=user.pk) | (shown & shared_with(user)))

    def ready(self) -> Self:
        """Pictures that have been read."""
        return self.filter(status=ImageStatus.READY)


class Image(TimeStamped):
    """One picture: the file as it came, its facts, and where it is shown.

    `width` and `height` are pixels as displayed, that is, after the EXIF orientation. `base_model`
    repeats that of the checkpoint, else of the first known resource, since lists filter on it.
    """

    FOR_EVERYONE = models.Q(visibility=Visibility.PUBLIC, status=ImageStatus.READY, hidden_at=None)

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="images"
    )
    team = models.ForeignKey(
        "accounts.Team", on_delete=models.SET_NULL, null=True, blank=True, related_name="images"
    )
    post = models.ForeignKey("gallery.Post", on_delete=models.CASCADE, related_name="images")
    position = models.PositiveIntegerField()
    blob = models.ForeignKey(
        "storage.Blob", on_delete=models.PROTECT, related_name="gallery_images"
    )
    filename = models.CharField(max_length=255)
    title = models.CharField(max_length=120, blank=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    visibility = models.CharField(
        max_length=8, choices=Visibility.choices, default=Visibility.PUBLIC
    )
    nsfw_level = models.PositiveSmallIntegerField(choices=NsfwLevel, default=NsfwLevel.PG)

    status = models.CharField(max_length=8, choices=ImageStatus, default=ImageStatus.PENDING)
    failure = models.CharField(max_length=300, blank=True)
    processed_at = models.DateTimeField(null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField()

    base_model = models.ForeignKey(
        "models_registry.BaseModel",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="images",
    )
    average_colour = models.CharField(max_length=7, blank=True)
    placeholder = models.TextField(blank=True)
    blurhash = models.CharField(max_length=64, blank=True)
    has_generation_data = models.BooleanField(default=False)

    like_count = models.PositiveIntegerField(default=0)
    dislike_count = models.PositiveIntegerField(default=0)
    laugh_count = models.PositiveIntegerField(default=0)
    cry_count = models.PositiveIntegerField(default=0)
    heart_count = models.PositiveIntegerField(default=0)
    reaction_count = models.PositiveIntegerField(default=0)
    comment_count = models.PositiveIntegerField(default=0)

    objects = ImageQuerySet.as_manager()

    class Meta:
        verbose_name = _("image")
        verbose_name_plural = _("images")
        indexes = [
            models.Index(fields=["-published_at", "-id"], name="image_newest"),
            models.Index(fields=["-reaction_count", "-id"], name="image_most_reactions"),
            models.Index(fields=["-comment_count", "-id"], name="image_most_comments"),
            models.Index(fields=["owner", "-published_at", "-id"], name="image_of_owner"),
            models.Index(fields=["base_model", "-published_at", "-id"], name="image_of_base_model"),
            models.Index(fields=["id"], name="image_pending", condition=models.Q(status="pending")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["post", "position"], name="one_image_per_place"),
            models.CheckConstraint(
                condition=models.Q(visibility__in=Visibility.values), name="image_visibility_known"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=ImageStatus.values), name="image_status_known"
            ),
            models.CheckConstraint(
                condition=models.Q(nsfw_level__in=NsfwLevel.values), name="image_rating_known"
            ),
            models.CheckConstraint(
                condition=models.Q(width__gt=0, height__gt=0), name="image_has_a_size"
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.filename

    @property
    def is_for_everyone(self) -> bool:
        """Read, public and not hidden: it may have addresses that never end."""
        is_shown = self.status == ImageStatus.READY and self.hidden_at is None
        return is_shown and self.visibility == Visibility.PUBLIC
