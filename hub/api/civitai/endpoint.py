"""The frame around every v1 view: who asks, which verbs, error shapes, caching, CORS."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt

from hub.accounts.models import Scope, User
from hub.accounts.services import user_for_token
from hub.api.auth import key_of
from hub.api.civitai.json_text import json_response
from hub.api.civitai.refusals import ErrorShape, failure, refusal_of
from hub.core.errors import Invalid

Args = ParamSpec("Args")
Viewer = User | AnonymousUser

SHARED = "public, s-maxage=300, stale-while-revalidate=150"
SHARED_LONG = "public, s-maxage=3600, stale-while-revalidate=1800"
FOR_EVER = "public, max-age=31536000, immutable"
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
    cache: str = SHARED,
    errors: ErrorShape = ErrorShape.TEXT,
    validator_errors: bool = False,
) -> Callable[[View[Args]], Callable[..., HttpResponseBase]]:
    """Make a v1 view of a function that returns JSON data or a response.

    `cache` is the Cache-Control of data that everyone gets alike; what a key shows is never kept.
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
                refusal = failure("Method not allowed", 405)
                refusal.headers["Allow"] = ", ".join([*sorted(allowed), "OPTIONS"])
                return _open_to_all(refusal)
            with translation.override("en"):  # what programs of this API look for
                try:
                    answer = _answer(
                        request, access, cache, lambda who: view(request, who, *args, **kwargs)
                    )
                except Exception as error:
                    answer = refusal_of(error, request.path, errors, as_object=validator_errors)
            return _open_to_all(answer)

        return wrapped

    return decorate


def _answer(
    request: HttpRequest, access: Access, cache: str, view: Callable[[Caller], object]
) -> HttpResponseBase:
    """What the view gives this caller, as a response with its caching."""
    if any("\x00" in value for values in request.GET.lists() for value in values[1]):
        raise Invalid("A parameter holds a character that no text has")
    caller = caller_of(request)
    if access is Access.AUTHED and caller.is_anonymous:
        return failure("Unauthorized", 401)
    answer = view(caller)
    if isinstance(answer, HttpResponseBase):
        return answer
    response = json_response(answer)
    shared = caller.is_anonymous and access is not Access.AUTHED
    response.headers["Cache-Control"] = cache if shared else "private, no-store"
    return response


def _open_to_all(response: HttpResponseBase) -> HttpResponseBase:
    """Any page may read public data; credentials are never allowed across origins."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    # The star covers every header but this one.
    response.headers["Access-Control-Allow-Headers"] = "*, Authorization"
    response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, OPTIONS"
    response.headers["Access-Control-Expose-Headers"] = "Content-Disposition, Content-Range, ETag"
    response.headers["Vary"] = "Authorization, Cookie"
    return response
