"""What people say, in threads of one level: an answer stays with its question.

A comment is shown, hidden (`hidden_at`; whoever looks after the subject still reads it and may show
it again), or gone (no text any more). The text of one that is gone waits in `DeletedComment` while
it can be brought back; then the row is kept only while answers stand under it.
"""

from collections.abc import Sequence
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from gallery.models import Image
from hub.core.models import QuickRow
from models_registry.models.model import Model

Subject = Model | Image


class CommentQuerySet(models.QuerySet["Comment"]):
    """Vocabulary of threads."""

    def about(self, subject: Subject) -> Self:
        """Comments on one model or under one picture."""
        if isinstance(subject, Model):
            return self.filter(model=subject)
        return self.filter(image=subject)

    def shown(self) -> Self:
        """Comments that everyone reads who may open the subject."""
        return self.filter(hidden_at=None)

    def kept(self) -> Self:
        """Comments that still have their text."""
        return self.exclude(text="")


class Comment(QuickRow):
    """Markdown source by one person about one model or one picture."""

    model = models.ForeignKey(
        Model, on_delete=models.CASCADE, null=True, blank=True, related_name="comments"
    )
    image = models.ForeignKey(
        Image, on_delete=models.CASCADE, null=True, blank=True, related_name="comments"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="comments"
    )
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="answers"
    )
    text = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True)

    #: Set by `queries.threads_of`: notices of the people who are named.
    namings: Sequence["Notice"] = ()

    objects = CommentQuerySet.as_manager()

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        constraints = [
            models.CheckConstraint(
                condition=Q(model__isnull=True) ^ Q(image__isnull=True),
                name="comment_about_one_thing",
            ),
            models.CheckConstraint(
                condition=~Q(text="") | Q(hidden_at__isnull=False), name="comment_gone_is_hidden"
            ),
        ]
        indexes = [
            models.Index(
                fields=["model", "-id"],
                name="threads_of_model",
                condition=Q(parent__isnull=True, model__isnull=False),
            ),
            models.Index(
                fields=["image", "-id"],
                name="threads_of_image",
                condition=Q(parent__isnull=True, image__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def subject(self) -> Subject:
        """The model or the picture that this is about."""
        subject = self.model or self.image
        if subject is None:
            raise ValueError(f"comment {self.pk} is about nothing")
        return subject

    @property
    def is_gone(self) -> bool:
        """Whether only its place is kept, for the answers under it."""
        return not self.text


class DeletedComment(models.Model):
    """The words of a comment that was taken away, which nobody reads; `hidden_at` as it was."""

    comment = models.OneToOneField(
        Comment, on_delete=models.CASCADE, primary_key=True, related_name="deletion"
    )
    text = models.TextField()
    hidden_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="deleted_comments",
    )
    deleted_at = models.DateTimeField()

    class Meta:
        verbose_name = _("deleted comment")
        verbose_name_plural = _("deleted comments")
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="deleted_comment_has_text"),
        ]
        indexes = [models.Index(fields=["deleted_at"], name="deleted_comment_by_time")]

    def __str__(self) -> str:
        return f"{self.comment_id}, {self.deleted_at:%Y-%m-%d %H:%M}"


class NoticeReason(models.TextChoices):
    """Why a person is told of a comment."""

    MENTION = "mention", _("Named you")
    ANSWER = "answer", _("Answered you")


class Notice(models.Model):
    """Somebody who is told of a comment; `seen_at` is when they read of it."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="notices")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="comment_notices"
    )
    reason = models.CharField(max_length=8, choices=NoticeReason, default=NoticeReason.MENTION)
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("notice of a comment")
        verbose_name_plural = _("notices of comments")
        constraints = [
            models.UniqueConstraint(fields=["comment", "person"], name="told_once_of_a_comment"),
            models.CheckConstraint(
                condition=Q(reason__in=NoticeReason.values), name="notice_reason_known"
            ),
        ]
        indexes = [
            models.Index(fields=["person", "-id"], name="notices_newest"),
            models.Index(
                fields=["person"], name="notices_unread", condition=Q(seen_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} of {self.comment_id}"
