"""The theme and language switches; plain forms, so they work without JavaScript."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from frontend.preferences import THEME_COOKIE, THEMES, YEAR_SECONDS
from frontend.requests import own_address
from hub.accounts.services import set_preferences
from hub.core.errors import Invalid


def _back(request: HttpRequest) -> HttpResponseRedirect:
    return redirect(own_address(request, request.POST.get("next", "")) or "/")


def _remember(response: HttpResponse, request: HttpRequest, cookie: str, value: str) -> None:
    response.set_cookie(
        cookie, value, max_age=YEAR_SECONDS, samesite="Lax", secure=request.is_secure()
    )


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Choose dark or light for this browser and, signed in, for this person."""
    chosen = request.POST.get("theme", "")
    if chosen not in THEMES:
        raise Invalid(
            _("Unknown theme %(chosen)s; allowed are: %(known)s.")
            % {"chosen": chosen, "known": ", ".join(THEMES)}
        )
    if request.user.is_authenticated:
        set_preferences(user=request.user, theme=chosen)
    response = _back(request)
    _remember(response, request, THEME_COOKIE, chosen)
    return response


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Choose the language for this browser and, signed in, for this person."""
    chosen = request.POST.get("language", "")
    known = dict(settings.LANGUAGES)
    if chosen not in known:
        raise Invalid(
            _("Unknown language %(chosen)s; allowed are: %(known)s.")
            % {"chosen": chosen, "known": ", ".join(known)}
        )
    if request.user.is_authenticated:
        set_preferences(user=request.user, language=chosen)
    response = _back(request)
    _remember(response, request, settings.LANGUAGE_COOKIE_NAME, chosen)
    return response


urlpatterns = [
    path("preferences/theme/", theme, name="set_theme"),
    path("preferences/language/", language, name="set_language"),
]
