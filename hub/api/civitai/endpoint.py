"""The frame around every v1 view: who asks, which verbs, error shapes, caching, CORS."""

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from hub.accounts.models import Scope, User
from hub.accounts.services import user_for_token
from hub.api.auth import key_of
from hub.core.errors import AtelierError
from hub.core.http_status import status_of

logger = logging.getLogger(__name__)

Args = ParamSpec("Args")
Viewer = User | AnonymousUser

PUBLIC_SECONDS = 300
STALE_SECONDS = 150
READING = frozenset({Scope.MODELS_READ, Scope.MODELS_WRITE})


class Access(StrEnum):
    """PUBLIC and MIXED answer everyone, a key only widens what is seen; AUTHED needs one."""

    PUBLIC = "public"
    MIXED = "mixed"
    AUTHED = "authed"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a live key, else the browser's session, else nobody."""

    viewer: Viewer

    @property
    def is_anonymous(self) -> bool:
        """Nobody in particular."""
        return not self.viewer.is_authenticated


class ParameterError(Exception):
    """A query parameter that the validator refuses."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name, self.message = name, message


View = Callable[Concatenate[HttpRequest, Caller, Args], HttpResponseBase | object]


def caller_of(request: HttpRequest) -> Caller:
    """Unknown, empty, revoked and narrow keys count as nobody: public data stays readable."""
    key = key_of(request)
    if key:
        found = user_for_token(key)
        if found is None or not READING & set(found[1].scopes):
            return Caller(AnonymousUser())
        return Caller(found[0])
    user = getattr(request, "user", None)
    return Caller(user if isinstance(user, User) and user.is_active else AnonymousUser())


def endpoint(
    *,
    methods: tuple[str, ...] = ("GET",),
    access: Access = Access.PUBLIC,
    cache_seconds: int = PUBLIC_SECONDS,
    validator_errors: bool = False,
) -> Callable[[View[Args]], Callable[..., HttpResponseBase]]:
    """Make a v1 view of a function that returns JSON data or a response.

    With `validator_errors` a refused parameter is answered by an object, as the list endpoints do.
    """
    allowed = {*methods, "HEAD"} if "GET" in methods else set(methods)

    def decorate(view: View[Args]) -> Callable[..., HttpResponseBase]:
        @csrf_exempt  # nothing here changes anything for the caller
        @functools.wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == "OPTIONS":
                return _open_to_all(HttpResponse())
            if request.method not in allowed:
                return _open_to_all(failure("Method not allowed", 405))
            caller = caller_of(request)
            if access is Access.AUTHED and caller.is_anonymous:
                return _open_to_all(failure("Unauthorized", 401))
            try:
                answer = view(request, caller, *args, **kwargs)
            except Exception as error:
                return _open_to_all(_failed(request, error, as_object=validator_errors))
            if isinstance(answer, HttpResponseBase):
                return _open_to_all(answer)
            shared = caller.is_anonymous and access is not Access.AUTHED
            return _open_to_all(_cached(answer, cache_seconds if shared else 0))

        return wrapped

    return decorate


def failure(message: str, status: int, /, **more: object) -> JsonResponse:
    """The common error shape; `error` is always text here."""
    return _uncached(JsonResponse({"error": message, **more}, status=status))


def _failed(request: HttpRequest, error: Exception, *, as_object: bool) -> JsonResponse:
    """Expected errors by their status; anything else is logged and told in the shape of a 500."""
    if isinstance(error, AtelierError):
        return failure(error.message, status_of(error))
    if not isinstance(error, ParameterError):
        logger.error("civitai endpoint failed: %s", request.path, exc_info=error)
        body = {"message": "An unexpected error occurred", "error": "Internal server error"}
        return _uncached(JsonResponse(body, status=500))
    if not as_object:
        return failure(error.message, 400)
    detail = {"formErrors": [], "fieldErrors": {error.name: [error.message]}}
    return _uncached(JsonResponse({"error": detail}, status=400))


def _uncached(response: JsonResponse) -> JsonResponse:
    response.headers["Cache-Control"] = "no-store, max-age=0"
    return response


def _cached(data: object, seconds: int) -> JsonResponse:
    response = JsonResponse(data, safe=False)
    if seconds:
        stale = STALE_SECONDS if seconds == PUBLIC_SECONDS else seconds // 2
        response.headers["Cache-Control"] = (
            f"public, s-maxage={seconds}, stale-while-revalidate={stale}"
        )
    else:
        response.headers["Cache-Control"] = "private, no-store"
    return response


def _open_to_all(response: HttpResponseBase) -> HttpResponseBase:
    """Any page may read public data; credentials are never allowed across origins."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Headers"] = "*"
    response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, OPTIONS"
    response.headers["Vary"] = "Authorization, Cookie"
    return response
