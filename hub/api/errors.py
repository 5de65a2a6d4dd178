"""Our errors as answers of the HTTP APIs."""

from http import HTTPStatus
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler as rest_exception_handler

from hub.core.away import RETRY_SECONDS, is_database_away
from hub.core.errors import AtelierError
from hub.core.http_status import status_of
from models_registry.errors import NotReady


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's handler with ours in front: `{"error": text, "code": code}`.

    A body or query of the wrong shape adds `fields`, the sentences by name; a version that is not
    ready to be published adds `missing`, the codes of what to do.
    """
    if isinstance(error, AtelierError):
        body: dict[str, Any] = {"error": error.message, "code": error.error_code}
        if isinstance(error, NotReady):
            body["missing"] = list(error.missing)
        return Response(body, status=status_of(error))
    if is_database_away(error):
        words = _("The hub cannot reach its database. Try again in a moment.")
        body = {"error": words, "code": "database_away"}
        headers = {"Retry-After": str(RETRY_SECONDS)}
        return Response(body, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers)
    response = rest_exception_handler(error, context)
    if response is not None:
        response.data = _in_house_form(error, response.data)
    return response


def _in_house_form(error: Exception, data: Any) -> dict[str, Any]:
    if isinstance(error, ValidationError):
        fields = dict(_flat(data))
        sentences = (f"{name}: {' '.join(texts)}" for name, texts in fields.items())
        return {"error": " ".join(sentences), "code": "invalid", "fields": fields}
    detail = data.get("detail", "") if isinstance(data, dict) else ""
    code = error.default_code if isinstance(error, APIException) else "refused"
    return {"error": str(detail), "code": code}


def _flat(data: Any, path: str = "") -> list[tuple[str, list[str]]]:
    """DRF's nested messages as (dotted name, sentences)."""
    if isinstance(data, dict):
        return [row for key, inner in data.items() for row in _flat(inner, _joined(path, key))]
    if isinstance(data, list) and any(isinstance(inner, dict | list) for inner in data):
        numbered = enumerate(data)
        return [row for at, inner in numbered if inner for row in _flat(inner, _joined(path, at))]
    texts = data if isinstance(data, list) else [data]
    return [(path or "body", [str(text) for text in texts])]


def _joined(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)
