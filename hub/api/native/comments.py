"""What people say about models and under pictures, and whom it tells."""

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from gallery.queries import image_detail
from hub.accounts.models import Scope
from hub.api.native.access import MODEL_READERS, ModelView, NativeView, actor_of
from hub.api.native.pages import ErrorShape, PageQuery, body_of, page_answer, page_of, query_of
from hub.api.native.people import PersonShape
from hub.comments.deletion import delete_comment, restore_comment
from hub.comments.models import Comment, Notice, NoticeReason, Subject
from hub.comments.queries import comment_detail, notices_of, threads_of
from hub.comments.services import (
    add_comment,
    edit_comment,
    hide_comment,
    show_comment,
)
from models_registry.queries import model_alone

FAILURES = {400: ErrorShape, 403: ErrorShape, 404: ErrorShape}


class CommentForm(serializers.Serializer[Any]):
    """Markdown; people named with @ are told. `parent_id` is the comment that is answered."""

    text = serializers.CharField()
    parent_id = serializers.IntegerField(required=False, allow_null=True, default=None)


class CommentChange(serializers.Serializer[Any]):
    """Other words, by its author; hidden or shown again, by who looks after what it is about."""

    text = serializers.CharField(required=False)
    is_hidden = serializers.BooleanField(required=False)


class CommentShape(serializers.Serializer[Comment]):
    """One comment; without a text it was taken away and only holds its answers."""

    id = serializers.IntegerField()
    model_id = serializers.IntegerField(allow_null=True)
    image_id = serializers.IntegerField(allow_null=True)
    parent_id = serializers.IntegerField(allow_null=True)
    author = PersonShape()
    text = serializers.SerializerMethodField()
    is_hidden = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)

    def get_text(self, comment: Comment) -> str | None:
        """The text, null where it was taken away."""
        return None if comment.hidden_at else comment.text

    def get_is_hidden(self, comment: Comment) -> bool:
        """Whether it is kept, but not shown."""
        return comment.hidden_at is not None and not comment.is_gone


class ThreadShape(CommentShape):
    """A comment with its answers."""

    answers = CommentShape(many=True)


class NoticeShape(serializers.Serializer[Notice]):
    """A comment that names or answers the caller; `seen_at` null until they opened the page."""

    reason = serializers.ChoiceField(choices=NoticeReason.choices)
    model_id = serializers.IntegerField(source="comment.model_id", allow_null=True)
    model_name = serializers.CharField(source="comment.model.name", allow_null=True, default=None)
    image_id = serializers.IntegerField(source="comment.image_id", allow_null=True)
    comment_id = serializers.IntegerField()
    author = PersonShape(source="comment.author")
    text = serializers.CharField(source="comment.text")
    created_at = serializers.DateTimeField(source="comment.created_at")
    seen_at = serializers.DateTimeField(allow_null=True)


class ModelComments(ModelView):
    """What people say about a model."""

    @extend_schema(
        operation_id="comments_list", parameters=[PageQuery], responses=page_of(ThreadShape)
    )
    def get(self, request: Request, model_id: int) -> Response:
        """List threads, newest first."""
        return _listed(request, model_alone(viewer=request.user, model_id=model_id))

    @extend_schema(
        operation_id="comments_add", request=CommentForm, responses={201: ThreadShape, **FAILURES}
    )
    def post(self, request: Request, model_id: int) -> Response:
        """Say something, or answer."""
        return _added(request, model_alone(viewer=request.user, model_id=model_id))


class ImageView(NativeView):
    """What is about pictures; public ones can be read without a key."""

    write_scopes: ClassVar[tuple[Scope, ...]] = (Scope.IMAGES_WRITE,)
    is_public = True


class ImageComments(ImageView):
    """What people say under a picture."""

    @extend_schema(
        operation_id="image_comments_list",
        parameters=[PageQuery],
        responses=page_of(ThreadShape),
    )
    def get(self, request: Request, image_id: int) -> Response:
        """List threads, newest first."""
        return _listed(request, image_detail(request.user, image_id))

    @extend_schema(
        operation_id="image_comments_add",
        request=CommentForm,
        responses={201: ThreadShape, **FAILURES},
    )
    def post(self, request: Request, image_id: int) -> Response:
        """Say something, or answer."""
        return _added(request, image_detail(request.user, image_id))


class OneComment(NativeView):
    """One comment, whatever it is about."""

    read_scopes = MODEL_READERS
    write_scopes: ClassVar[tuple[Scope, ...]] = (Scope.IMAGES_WRITE, Scope.MODELS_WRITE)
    is_public = True

    @extend_schema(operation_id="comment_show", responses={200: CommentShape, **FAILURES})
    def get(self, request: Request, comment_id: int) -> Response:
        """Show a comment."""
        return Response(CommentShape(comment_detail(request.user, comment_id)).data)

    @extend_schema(
        operation_id="comment_change",
        request=CommentChange,
        responses={200: CommentShape, **FAILURES},
    )
    def patch(self, request: Request, comment_id: int) -> Response:
        """Say a comment in other words, hide it, or show it again."""
        sent, actor = body_of(request, CommentChange), actor_of(request)
        comment = comment_detail(actor, comment_id)
        now = timezone.now()
        if "text" in sent:
            comment = edit_comment(actor=actor, comment=comment, text=sent["text"], now=now)
        if sent.get("is_hidden") is True:
            comment = hide_comment(actor=actor, comment=comment, now=now)
        if sent.get("is_hidden") is False:
            comment = show_comment(actor=actor, comment=comment)
        return Response(CommentShape(comment).data)

    @extend_schema(operation_id="comment_delete", responses={204: None, **FAILURES})
    def delete(self, request: Request, comment_id: int) -> Response:
        """Take a comment away; the answers stay. For a while it can be brought back."""
        actor = actor_of(request)
        comment = comment_detail(actor, comment_id)
        delete_comment(actor=actor, comment=comment, now=timezone.now())
        return Response(status=204)


class RestoredComment(NativeView):
    """A comment that the caller has deleted a moment ago."""

    write_scopes: ClassVar[tuple[Scope, ...]] = (Scope.IMAGES_WRITE, Scope.MODELS_WRITE)

    @extend_schema(
        operation_id="comment_restore", request=None, responses={200: CommentShape, **FAILURES}
    )
    def post(self, request: Request, comment_id: int) -> Response:
        """Bring a comment back; 404 when somebody else deleted it, or the time for it is over."""
        actor = actor_of(request)
        comment = restore_comment(actor=actor, comment_id=comment_id, now=timezone.now())
        return Response(CommentShape(comment).data)


class Mentions(ModelView):
    """Where the caller was named or answered."""

    is_public = False

    @extend_schema(
        operation_id="mentions_list", parameters=[PageQuery], responses=page_of(NoticeShape)
    )
    def get(self, request: Request) -> Response:
        """List comments, newest first; reading them here marks nothing as read."""
        query = query_of(request, PageQuery)
        page = notices_of(actor_of(request), cursor=query.get("cursor"), limit=query["limit"])
        return page_answer(NoticeShape, page)


def _listed(request: Request, subject: Subject) -> Response:
    query = query_of(request, PageQuery)
    page = threads_of(request.user, subject, cursor=query.get("cursor"), limit=query["limit"])
    return page_answer(ThreadShape, page)


def _added(request: Request, subject: Subject) -> Response:
    comment = add_comment(actor=actor_of(request), subject=subject, **body_of(request, CommentForm))
    return Response(ThreadShape(comment).data, status=201)
