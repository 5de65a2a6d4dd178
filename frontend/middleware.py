"""What every page needs around its view: preferences, htmx rules, and errors as pages."""

import logging
import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from frontend.pages.errors import error_page, wrong_method
from frontend.preferences import THEME_COOKIE, THEMES
from frontend.requests import PageRequest, leads_back
from frontend.toasts import take_toasts
from hub.accounts.permissions import roles_asked_once
from hub.core.errors import AtelierError

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# Programs and files have their own answers; only pages get ours.
NOT_PAGES = ("/api/", "/media/", "/static/")
SAFE_METHODS = ("GET", "HEAD")
API_PAGE = "/api/v2/docs/"


def is_page(request: HttpRequest) -> bool:
    """Whether the request is for a page, not for an API, a picture or a static file."""
    return request.path == API_PAGE or not request.path.startswith(NOT_PAGES)


class PreferenceMiddleware:
    """Sets `request.theme`, and the language that a signed-in person has chosen."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Read the cookies; a person's own choice wins."""
        theme = request.COOKIES.get(THEME_COOKIE, "")
        language = ""
        if settings.SESSION_COOKIE_NAME in request.COOKIES and is_page(request):
            theme = getattr(request.user, "theme", "") or theme
            language = getattr(request.user, "language", "")
        cast(PageRequest, request).theme = theme if theme in THEMES else THEMES[0]
        if language in dict(settings.LANGUAGES):
            translation.activate(language)
            request.LANGUAGE_CODE = language
        return self.get_response(request)


class RolesMiddleware:
    """A request that changes nothing asks once for a person's role in a team."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """What streams its answer has left before it begins."""
        if request.method not in SAFE_METHODS:
            return self.get_response(request)
        with roles_asked_once():
            return self.get_response(request)


class HtmxResponseMiddleware:
    """Keeps partials apart from pages; gives redirects and toasts the form that htmx needs."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Change HTML answers only."""
        response = self.get_response(request)
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            return response
        patch_vary_headers(response, ["HX-Request"])
        htmx = cast(PageRequest, request).htmx
        if not htmx or htmx.history_restore_request:
            return response
        if response.status_code in {HTTPStatus.FOUND, HTTPStatus.SEE_OTHER}:
            if leads_back(request, response.headers["Location"]):
                return response  # the browser follows, and htmx takes its parts out of the page
            # htmx would follow the redirect and put a whole page into a fragment's place.
            return HttpResponseClientRedirect(response.headers["Location"])
        return self._with_toasts(request, response)

    @staticmethod
    def _with_toasts(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        waiting = take_toasts(request)
        if waiting and isinstance(response, HttpResponse):
            trigger_client_event(response, "app:toasts", {"toasts": waiting})
        return response


class ErrorPageMiddleware:
    """Turns our own errors into pages, and gives an unexpected one a code to quote."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Nothing to do while all goes well; Django's own 405 is an empty page."""
        response = self.get_response(request)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and is_page(request):
            page = wrong_method(request)
            page.headers["Allow"] = response.headers["Allow"]
            return page
        return response

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """A page for AtelierError; None lets Django go on to its handlers."""
        if isinstance(exception, AtelierError):
            return error_page(request, exception) if is_page(request) else None
        code = cast(PageRequest, request).error_code = secrets.token_hex(4)
        logger.error("Error %s at %s", code, request.path)
        return None
