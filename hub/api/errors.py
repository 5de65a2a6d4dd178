"""Our errors as answers of the HTTP APIs."""

from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler as rest_exception_handler

from hub.core.errors import AtelierError
from hub.core.http_status import status_of


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's handler with ours in front: `{"error": text, "code": code}`."""
    if isinstance(error, AtelierError):
        body = {"error": error.message, "code": error.error_code}
        return Response(body, status=status_of(error))
    return rest_exception_handler(error, context)
