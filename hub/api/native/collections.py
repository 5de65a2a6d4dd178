"""`/collections/`: models that somebody keeps together, for themselves, a team or everyone."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hub.api.native.access import ModelView, actor_of
from hub.api.native.model_shapes import ModelCardShape
from hub.api.native.models import team_named
from hub.api.native.pages import ErrorShape, PageQuery, body_of, page_answer, page_of, query_of
from hub.api.native.people import PersonShape
from hub.core.errors import NotFound
from hub.core.visibility import Visibility
from models_registry.collection_queries import (
    CollectionDetail,
    collection_detail,
    collection_list,
)
from models_registry.models.collection import Collection
from models_registry.models.model import Model
from models_registry.queries import model_list
from models_registry.services.collections import (
    collect_models,
    create_collection,
    delete_collection,
    uncollect_models,
    update_collection,
)

MOST_AT_ONCE = 1000
FAILURES = {400: ErrorShape, 403: ErrorShape, 404: ErrorShape}


class CollectionQuery(PageQuery):
    """Which collections."""

    mine = serializers.BooleanField(
        required=False, default=False, help_text="Only where I may put models."
    )


class InsideQuery(PageQuery):
    """Which of the models in it."""

    query = serializers.CharField(required=False, default="", allow_blank=True)


class CollectionForm(serializers.Serializer[Any]):
    """Name, words and who sees it; `team` is the name in the address of one of my teams."""

    name = serializers.CharField(max_length=120)
    description = serializers.CharField(required=False, allow_blank=True)
    visibility = serializers.ChoiceField(choices=Visibility.values, required=False)
    team = serializers.SlugField(required=False, allow_null=True)


class ContentsForm(serializers.Serializer[Any]):
    """Models to put in and to take out, by their ids; what is there already stays."""

    add = serializers.ListField(
        child=serializers.IntegerField(), required=False, default=list, max_length=MOST_AT_ONCE
    )
    remove = serializers.ListField(
        child=serializers.IntegerField(), required=False, default=list, max_length=MOST_AT_ONCE
    )


class CollectionShape(serializers.Serializer[Collection]):
    """A collection; how much is in it depends on who looks: ask for its models."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    visibility = serializers.CharField()
    owner = PersonShape()
    team = serializers.CharField(source="team.slug", allow_null=True, default=None)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ContentsShape(serializers.Serializer[Any]):
    """How many models were put in and taken out."""

    added = serializers.IntegerField()
    removed = serializers.IntegerField()


class Collections(ModelView):
    """All collections."""

    @extend_schema(
        operation_id="collections_list",
        parameters=[CollectionQuery],
        responses=page_of(CollectionShape),
    )
    def get(self, request: Request) -> Response:
        """List collections, last changed first."""
        query = query_of(request, CollectionQuery)
        page = collection_list(
            viewer=request.user,
            mine=query["mine"],
            cursor=query.get("cursor"),
            limit=query["limit"],
        )
        return page_answer(CollectionShape, page)

    @extend_schema(
        operation_id="collections_create",
        request=CollectionForm,
        responses={201: CollectionShape, **FAILURES},
    )
    def post(self, request: Request) -> Response:
        """Begin a collection."""
        sent = body_of(request, CollectionForm)
        slug = sent.pop("team", None)
        team = team_named(request, slug) if slug else None
        made = create_collection(actor=actor_of(request), team=team, **sent)
        return Response(CollectionShape(made).data, status=201)


class OneCollection(ModelView):
    """One collection."""

    @extend_schema(
        operation_id="collections_show", responses={200: CollectionShape, 404: ErrorShape}
    )
    def get(self, request: Request, collection_id: int) -> Response:
        """Show a collection; its models are below it."""
        return Response(CollectionShape(_detail(request, collection_id).collection).data)

    @extend_schema(
        operation_id="collections_change",
        request=CollectionForm,
        responses={200: CollectionShape, **FAILURES},
    )
    def patch(self, request: Request, collection_id: int) -> Response:
        """Rename a collection, or change who sees it; what is left out stays."""
        sent = body_of(request, CollectionForm, partial=True)
        shown = _detail(request, collection_id).collection
        values = {name: getattr(shown, name) for name in ("name", "description", "visibility")}
        values |= {name: value for name, value in sent.items() if name != "team"}
        team = shown.team
        if "team" in sent:
            team = team_named(request, sent["team"]) if sent["team"] else None
        update_collection(actor=actor_of(request), collection=shown, team=team, **values)
        return self.get(request, collection_id)

    @extend_schema(operation_id="collections_delete", responses={204: None, **FAILURES})
    def delete(self, request: Request, collection_id: int) -> Response:
        """Delete a collection; its models stay."""
        shown = _detail(request, collection_id).collection
        delete_collection(actor=actor_of(request), collection=shown)
        return Response(status=204)


class CollectionModels(ModelView):
    """The models of one collection."""

    @extend_schema(
        operation_id="collections_models",
        parameters=[InsideQuery],
        responses=page_of(ModelCardShape),
    )
    def get(self, request: Request, collection_id: int) -> Response:
        """List or search the models in it that the caller may see."""
        query = query_of(request, InsideQuery)
        page = model_list(
            viewer=request.user,
            filters=_detail(request, collection_id).filters(query=query["query"]),
            cursor=query.get("cursor"),
            limit=query["limit"],
        )
        return page_answer(ModelCardShape, page)

    @extend_schema(
        operation_id="collections_fill",
        request=ContentsForm,
        responses={200: ContentsShape, **FAILURES},
    )
    def post(self, request: Request, collection_id: int) -> Response:
        """Put models in and take others out; one that is not visible ends it with nothing done."""
        sent, actor = body_of(request, ContentsForm), actor_of(request)
        shown = _detail(request, collection_id).collection
        found = list(Model.objects.reachable_by(actor).filter(pk__in=sent["add"]))
        if len(found) != len(set(sent["add"])):
            raise NotFound(_("One of these models does not exist, or you may not see it."))
        added = collect_models(actor=actor, collection=shown, models=found)
        removed = uncollect_models(actor=actor, collection=shown, model_ids=sent["remove"])
        return Response(ContentsShape({"added": added, "removed": removed}).data)


def _detail(request: Request, collection_id: int) -> CollectionDetail:
    return collection_detail(viewer=request.user, collection_id=collection_id)
