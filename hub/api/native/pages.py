"""Lists of v2: `?cursor=&limit=`, answered by `{"items": [...], "next_cursor": text or null}`."""

from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hub.core.pagination import Page

Sent = TypeVar("Sent", bound=serializers.Serializer[Any])

DEFAULT_LIMIT = 24
MAX_LIMIT = 100


class PageQuery(serializers.Serializer[Any]):
    """Where in a list, and how much."""

    cursor = serializers.CharField(required=False, help_text="next_cursor of the page before.")
    limit = serializers.IntegerField(
        required=False, default=DEFAULT_LIMIT, min_value=1, max_value=MAX_LIMIT
    )


#: Every refusal: what happened and what to do, and a stable code; `fields` by dotted name.
ErrorShape = inline_serializer(
    name="Error",
    fields={
        "error": serializers.CharField(),
        "code": serializers.CharField(),
        "fields": serializers.DictField(
            child=serializers.ListField(child=serializers.CharField()), required=False
        ),
        "missing": serializers.ListField(child=serializers.CharField(), required=False),
    },
)


@cache
def page_of(shape: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """The schema of a page of `shape`: one for each shape, since the document names it once."""
    return inline_serializer(
        name=f"{shape.__name__.removesuffix('Shape')}Page",
        fields={
            "items": shape(many=True),
            "next_cursor": serializers.CharField(allow_null=True),
        },
    )


def page_answer(shape: type[serializers.Serializer[Any]], page: Page[Any]) -> Response:
    """A page as the answer."""
    return Response({"items": shaped(shape, page.items), "next_cursor": page.next_cursor})


def shaped(shape: type[serializers.Serializer[Any]], rows: Iterable[Any]) -> Any:
    """Rows in their shape."""
    return shape(rows, many=True).data


def query_of(request: Request, form: type[Sent]) -> dict[str, Any]:
    """The checked query of a call; raises DRF's ValidationError naming what does not fit."""
    sent = form(data=request.query_params)
    sent.is_valid(raise_exception=True)
    return dict(sent.validated_data)


def body_of(request: Request, form: type[Sent], *, partial: bool = False) -> dict[str, Any]:
    """The checked body of a call; raises DRF's ValidationError naming what does not fit."""
    sent = form(data=request.data, partial=partial)
    sent.is_valid(raise_exception=True)
    return dict(sent.validated_data)
