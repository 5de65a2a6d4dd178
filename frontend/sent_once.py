"""Forms that make something: sent twice in a moment, they make it once.

A script holds the second press of a button back, but it may not have come yet on a slow line, be
switched off, or sit in another tab. The second sending waits for the first and gets its answer.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import urlencode

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from redis.exceptions import RedisError

from frontend.requests import MemberRequest
from hub.core.sole_work import sole_work_on

Arguments = ParamSpec("Arguments")

#: Sent again after this, the same words mean a second thing.
REPEAT_SECONDS = 15
PROOF = "csrfmiddlewaretoken"


def sent_once(
    view: Callable[Concatenate[Any, Arguments], HttpResponse],
) -> Callable[Concatenate[Any, Arguments], HttpResponse]:
    """Answer a repeated form of the same person with where the first one led to.

    Only an answer that leads on counts: a form that came back refused can be sent as it is. Stands
    below the check of who it is. Without the cache every sending counts, as if this were not here.
    """

    @wraps(view)
    def inner(
        request: MemberRequest, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> HttpResponse:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        name = _name_of(request)
        with sole_work_on(name, wait=True):
            led_to = None
            with suppress(RedisError, OSError):
                led_to = cache.get(name)
            if led_to:
                return HttpResponseRedirect(led_to)
            answer = view(request, *args, **kwargs)
            if answer.status_code == HTTPStatus.FOUND:
                with suppress(RedisError, OSError):
                    cache.set(name, answer.headers["Location"], timeout=REPEAT_SECONDS)
        return answer

    return cast(Callable[Concatenate[HttpRequest, Arguments], HttpResponse], inner)


def _name_of(request: MemberRequest) -> str:
    """One name for the same person, address and words; the proof differs from tab to tab."""
    words = sorted((name, values) for name, values in request.POST.lists() if name != PROOF)
    told = urlencode([(str(request.user.pk), request.path), *words], doseq=True)
    return f"sent:{hashlib.sha256(told.encode()).hexdigest()}"
