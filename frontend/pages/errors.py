"""Error pages: what happened, what it means, what to do. The 500 page needs nothing but a file."""

import secrets
import sys
from http import HTTPStatus
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from frontend.rendering import wants_partial
from frontend.requests import own_address, speaks_json
from hub.core.away import RETRY_SECONDS, is_database_away
from hub.core.errors import AtelierError, Invalid, NotAllowed, NotFound, TooLarge
from hub.core.http_status import status_of
from hub.core.throttles import TooMany


def title_of(status: HTTPStatus) -> str:
    """Heading of the error page for a status."""
    return {
        HTTPStatus.UNAUTHORIZED: _("You are signed out"),
        HTTPStatus.NOT_FOUND: _("Nothing here"),
        HTTPStatus.FORBIDDEN: _("You cannot open this"),
        HTTPStatus.CONFLICT: _("It changed in the meantime"),
        HTTPStatus.GONE: _("It is no longer here"),
        HTTPStatus.METHOD_NOT_ALLOWED: _("No page of its own"),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _("Too large"),
        HTTPStatus.TOO_MANY_REQUESTS: _("Too many tries"),
    }.get(status, _("That did not work"))


def error_page(
    request: HttpRequest, error: AtelierError, *, status: HTTPStatus | None = None
) -> HttpResponse:
    """The page for one of our errors, in our words.

    A script that speaks JSON gets them as JSON, and one that swaps parts of a page the sentence
    alone, which the page shows as a toast: nothing of it is replaced. Without `status` it is that
    of the error.
    """
    status = status or status_of(error)
    if speaks_json(request):
        return JsonResponse({"error": error.message, "code": error.error_code}, status=status)
    if wants_partial(request):
        return HttpResponse(error.message, status=status, content_type="text/plain; charset=utf-8")
    context = {
        "status": status.value,
        "title": title_of(status),
        "message": error.message,
        "code": error.error_code,
        "who": getattr(error, "who", ()),
        **_ways_back(request, status),
    }
    return render(request, "error.html", context, status=status)


def _ways_back(request: HttpRequest, status: HTTPStatus) -> dict[str, str | bool]:
    """Where to go on from an address that was opened, not sent: without a script as well.

    Of what was sent, Back, with what was typed, is the browser's; a guest may send it again.
    """
    refused = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    if request.method != "GET":
        return {"send_again": status in refused and request.user.is_anonymous}
    origin = f"{request.scheme}://{request.get_host()}/"
    before = request.headers.get("Referer", "")
    path = f"/{before.removeprefix(origin)}" if before.startswith(origin) else ""
    came_from = own_address(request, path)  # a path that begins with // leads to another host
    has_filters = status == HTTPStatus.BAD_REQUEST and bool(request.GET)
    may_open = status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND} and request.user.is_anonymous
    again = urlencode({"next": request.get_full_path()})
    return {
        "sign_in": f"{reverse('account_login')}?{again}" if may_open else "",
        "before": came_from if came_from != request.get_full_path() else "",
        "unfiltered": request.path if has_filters else "",
    }


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 from Django itself, 413 for a form with more text than it may have."""
    if isinstance(exception, RequestDataTooBig):
        limit = filesizeformat(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        message = _("A form may hold at most %s. Nothing was saved: go back and send less at once.")
        return error_page(request, TooLarge(message % limit))
    message = _("The request could not be understood. Go back, reload the page and try again.")
    return error_page(request, Invalid(message))


def permission_denied(request: HttpRequest, exception: PermissionDenied) -> HttpResponse:
    """403 from Django itself."""
    message = str(exception) or _("You may see that this exists, but you may not do this.")
    return error_page(request, NotAllowed(message))


def not_found(request: HttpRequest, exception: Http404) -> HttpResponse:
    """404 for an address that leads nowhere."""
    message = _("There is nothing at this address, or you may not see it.")
    return error_page(request, NotFound(message))


def too_many(request: HttpRequest) -> HttpResponse:
    """429 of signing in, signing up and asking for mails, which allauth counts."""
    return error_page(request, TooMany(_("Nothing was done. Wait a few minutes, then try again.")))


def wrong_method(request: HttpRequest) -> HttpResponse:
    """405: somebody reloaded or typed an address that only takes forms."""
    message = _("This address only takes what a page sends. Open the page itself.")
    error = Invalid(message, code="method_not_allowed")
    return error_page(request, error, status=HTTPStatus.METHOD_NOT_ALLOWED)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 when a form's proof is missing or old: reloading is enough."""
    if speaks_json(request):
        words = _("This page was open for too long. Reload it and try again.")
        return JsonResponse({"error": words, "code": "csrf"}, status=HTTPStatus.FORBIDDEN)
    context = {
        "status": HTTPStatus.FORBIDDEN.value,
        "title": _("This page was open for too long"),
        "message": _(
            "Nothing was changed. Go back, reload the page and send the form again. "
            "If it happens each time, allow cookies for this address."
        ),
        "code": "csrf",
    }
    return render(request, "error.html", context, status=HTTPStatus.FORBIDDEN)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: no database, no context processors, a code to quote that is in the log as well.

    503 while the database does not answer: the page asks again by itself.
    """
    away = is_database_away(sys.exception())
    code = getattr(request, "error_code", "") or secrets.token_hex(4)
    words = _(
        "The request was not finished. Nothing that was saved before is lost, and running trainings"
        " go on. Try again; if it happens again, give this code to the person who runs the hub:"
    )
    if speaks_json(request) and not away:
        body = {"error": f"{words} {code}", "code": "unexpected"}
        return JsonResponse(body, status=HTTPStatus.INTERNAL_SERVER_ERROR)
    context = {
        "away": away,
        "retry_seconds": RETRY_SECONDS if request.method == "GET" else 0,
        "here": request.get_full_path(),
        "words": words,
        "code": code,
        "html_lang": "zh-Hans" if get_language() == "zh-hans" else "en",
        "theme": getattr(request, "theme", "dark"),
    }
    page = loader.get_template("500.html").render(context)
    if not away:
        return HttpResponse(page, status=HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = {"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"}
    return HttpResponse(page, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers)
