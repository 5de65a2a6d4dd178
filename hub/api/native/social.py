"""Reviews, following and what one keeps for oneself."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from hub.accounts.models import User
from hub.api.native.access import ModelView, actor_of
from hub.api.native.pages import ErrorShape, PageQuery, body_of, page_answer, page_of, query_of
from hub.api.native.social_shapes import (
    FollowedShape,
    ReviewForm,
    ReviewShape,
    StandingShape,
)
from hub.core.errors import Invalid, NotFound
from models_registry.engagement_queries import followed_by, standing_of
from models_registry.models.engagement import EngagementKind
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion
from models_registry.queries import model_alone, review_by, reviews_of, version_detail
from models_registry.services.bookmarks import forget_model, save_model
from models_registry.services.engagement import (
    follow_person,
    follow_tag,
    set_engagement,
    write_note,
)
from models_registry.services.reviews import (
    Used,
    delete_review,
    remove_review_picture,
    set_review_picture,
    write_review,
)

SWITCHES = {
    "is_liked": EngagementKind.LIKE,
    "is_hidden": EngagementKind.HIDE,
    "is_followed": EngagementKind.FOLLOW,
}
FAILURES = {400: ErrorShape, 403: ErrorShape, 404: ErrorShape}


class ModelReviews(ModelView):
    """What people think of a model's versions."""

    @extend_schema(
        operation_id="reviews_list", parameters=[PageQuery], responses=page_of(ReviewShape)
    )
    def get(self, request: Request, model_id: int) -> Response:
        """List reviews, newest first."""
        query = query_of(request, PageQuery)
        page = reviews_of(
            viewer=request.user,
            model=_model(request, model_id),
            cursor=query.get("cursor"),
            limit=query["limit"],
        )
        return page_answer(ReviewShape, page)


class VersionReview(ModelView):
    """One's own review of a version."""

    @extend_schema(
        operation_id="review_write", request=ReviewForm, responses={200: ReviewShape, **FAILURES}
    )
    def put(self, request: Request, version_id: int) -> Response:
        """Write or rewrite one's review; a picture that is neither sent anew nor removed stays."""
        sent, actor = body_of(request, ReviewForm), actor_of(request)
        version = version_detail(viewer=actor, version_id=version_id)
        with transaction.atomic():
            review = write_review(
                actor=actor,
                version=version,
                rating=sent["rating"],
                text=sent["text"],
                recommended=sent["recommended"],
                used=_used(actor, sent),
            )
            if "upload_id" in sent:
                set_review_picture(actor=actor, review=review, upload_id=sent["upload_id"])
            elif sent["remove_picture"]:
                remove_review_picture(actor=actor, review=review)
        return Response(ReviewShape(review_by(actor, version)).data)

    @extend_schema(operation_id="review_delete", responses={204: None, **FAILURES})
    def delete(self, request: Request, version_id: int) -> Response:
        """Take one's review back."""
        actor = actor_of(request)
        review = review_by(actor, version_detail(viewer=actor, version_id=version_id))
        if review is None:
            raise NotFound(_("You have not reviewed this version."))
        delete_review(actor=actor, review=review)
        return Response(status=204)


class ModelStanding(ModelView):
    """How the caller stands to a model: nobody else sees it."""

    is_public = False

    @extend_schema(operation_id="standing_show", responses={200: StandingShape, 404: ErrorShape})
    def get(self, request: Request, model_id: int) -> Response:
        """Show how the caller stands to a model."""
        actor = actor_of(request)
        return Response(StandingShape(standing_of(actor, _model(request, model_id))).data)

    @extend_schema(
        operation_id="standing_change",
        request=StandingShape,
        responses={200: StandingShape, **FAILURES},
    )
    def patch(self, request: Request, model_id: int) -> Response:
        """Like, save, hide, follow, write a private note; what is left out stays."""
        sent, actor = body_of(request, StandingShape, partial=True), actor_of(request)
        model = _model(request, model_id)
        with transaction.atomic():
            for name, kind in SWITCHES.items():
                if name in sent:
                    set_engagement(actor=actor, model=model, kind=kind, is_on=sent[name])
            if "is_saved" in sent:
                change = save_model if sent["is_saved"] else forget_model
                change(actor=actor, model=model)
            if "note" in sent:
                write_note(actor=actor, model=model, text=sent["note"])
        return self.get(request, model_id)


class Following(ModelView):
    """Whom and what the caller follows."""

    is_public = False

    @extend_schema(operation_id="following_show", responses=FollowedShape)
    def get(self, request: Request) -> Response:
        """List people, tags and models; what is new there: `/models/?scope=following`."""
        return Response(FollowedShape(followed_by(actor_of(request))).data)


class FollowPerson(ModelView):
    """Following one person."""

    @extend_schema(
        operation_id="person_follow", request=None, responses={200: FollowedShape, **FAILURES}
    )
    def put(self, request: Request, name: str) -> Response:
        """Follow a person."""
        follow_person(actor=actor_of(request), username=name, is_on=True)
        return Response(FollowedShape(followed_by(request.user)).data)

    @extend_schema(operation_id="person_unfollow", responses={200: FollowedShape, **FAILURES})
    def delete(self, request: Request, name: str) -> Response:
        """Follow a person no longer."""
        follow_person(actor=actor_of(request), username=name, is_on=False)
        return Response(FollowedShape(followed_by(request.user)).data)


class FollowTag(ModelView):
    """Following one tag, by its name or an alias."""

    @extend_schema(
        operation_id="tag_follow", request=None, responses={200: FollowedShape, **FAILURES}
    )
    def put(self, request: Request, name: str) -> Response:
        """Follow a tag."""
        follow_tag(actor=actor_of(request), name=name, is_on=True)
        return Response(FollowedShape(followed_by(request.user)).data)

    @extend_schema(operation_id="tag_unfollow", responses={200: FollowedShape, **FAILURES})
    def delete(self, request: Request, name: str) -> Response:
        """Follow a tag no longer."""
        follow_tag(actor=actor_of(request), name=name, is_on=False)
        return Response(FollowedShape(followed_by(request.user)).data)


def _model(request: Request, model_id: int) -> Model:
    return model_alone(viewer=request.user, model_id=model_id)


def _used(actor: User, sent: dict[str, Any]) -> Used:
    linked = None
    if "base_version_id" in sent:
        versions = ModelVersion.objects.visible_to(actor).select_related("model")
        linked = versions.filter(pk=sent["base_version_id"]).first()
        if linked is None:
            raise Invalid(_("There is no such version."), code="version_missing")
    name = sent["base_name"] or (f"{linked.model.name} {linked.name}" if linked else "")
    return Used(weight=sent["weight"], base_name=name, base_version=linked)
