"""`/models/{id}/history/`: what changed on the card of a model."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hub.api.native.access import ModelView, actor_of
from hub.api.native.pages import ErrorShape, PageQuery, page_of, query_of, shaped
from hub.api.native.people import PersonShape
from models_registry.card_diff import Change
from models_registry.card_history import CardChange, FieldChange, card_history
from models_registry.queries import model_alone


class PieceShape(serializers.Serializer[Any]):
    """Neighbouring words that share a fate; "skipped" stands for a long stretch of sameness."""

    change = serializers.ChoiceField(choices=[change.value for change in Change])
    text = serializers.CharField()


class FieldChangeShape(serializers.Serializer[FieldChange]):
    """A field that reads differently; `version_index` is null for the model's own card."""

    field = serializers.CharField()
    version_index = serializers.IntegerField(allow_null=True)
    pieces = PieceShape(many=True)


class CardChangeShape(serializers.Serializer[CardChange]):
    """One change; `author` is null for what the hub itself wrote, and for closed accounts."""

    at = serializers.DateTimeField(source="revision.at")
    author = PersonShape(source="revision.author", allow_null=True)
    is_first = serializers.BooleanField()
    changes = FieldChangeShape(many=True)


class ModelHistory(ModelView):
    """What changed on the card of a model."""

    is_public = False

    @extend_schema(
        operation_id="models_history",
        parameters=[PageQuery],
        responses={200: page_of(CardChangeShape), 403: ErrorShape, 404: ErrorShape},
    )
    def get(self, request: Request, model_id: int) -> Response:
        """List changes, newest first; for the people of the model and its team."""
        query, actor = query_of(request, PageQuery), actor_of(request)
        model = model_alone(viewer=actor, model_id=model_id)
        page = card_history(
            viewer=actor, model=model, cursor=query.get("cursor"), limit=query["limit"]
        )
        items = shaped(CardChangeShape, page.items)
        return Response({"items": items, "next_cursor": page.next_cursor})
