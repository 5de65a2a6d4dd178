"""A post: one person's pictures, shown together, perhaps made with one model version."""

from typing import Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from gallery.models.visible import shared_with
from hub.accounts.models import User
from hub.core.models import TimeStamped
from hub.core.visibility import Visibility


class PostQuerySet(models.QuerySet["Post"]):
    """Vocabulary of posts."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Posts that the person may see."""
        return self.filter(shared_with(user))


class Post(TimeStamped):
    """Pictures that were published together; their own rows carry the same visibility."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="posts"
    )
    team = models.ForeignKey(
        "accounts.Team", on_delete=models.SET_NULL, null=True, blank=True, related_name="posts"
    )
    title = models.CharField(max_length=120, blank=True)
    detail = models.TextField(blank=True)
    model_version = models.ForeignKey(
        "models_registry.ModelVersion",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="posts",
    )
    visibility = models.CharField(
        max_length=8, choices=Visibility.choices, default=Visibility.PUBLIC
    )
    image_count = models.PositiveIntegerField(default=0)
    published_at = models.DateTimeField()

    objects = PostQuerySet.as_manager()

    class Meta:
        verbose_name = _("post")
        verbose_name_plural = _("posts")
        indexes = [models.Index(fields=["-published_at", "-id"], name="post_newest")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(visibility__in=Visibility.values), name="post_visibility_known"
            ),
        ]

    def __str__(self) -> str:
        return self.title or f"post {self.pk}"
