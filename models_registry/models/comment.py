"""What people say about a model: threads of one level, an answer stays with its question."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from models_registry.models.model import Model


class ModelComment(models.Model):
    """Markdown source by one person; a hidden one stays for the record, its answers stay shown."""

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="model_comments"
    )
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="answers"
    )
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    hidden_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("comment on a model")
        verbose_name_plural = _("comments on models")
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="model_comment_not_empty"),
        ]
        indexes = [
            models.Index(
                fields=["model", "-id"],
                name="model_threads",
                condition=Q(parent__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60]


class CommentMention(models.Model):
    """Somebody named in a comment with `@name`; `seen_at` is when they read of it."""

    comment = models.ForeignKey(ModelComment, on_delete=models.CASCADE, related_name="mentions")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mentions"
    )
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("mention")
        verbose_name_plural = _("mentions")
        constraints = [
            models.UniqueConstraint(fields=["comment", "person"], name="mentioned_once"),
        ]
        indexes = [
            models.Index(fields=["person", "-id"], name="mentions_newest"),
            models.Index(
                fields=["person"], name="mentions_unread", condition=Q(seen_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.comment_id}"
