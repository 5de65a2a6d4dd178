"""Addresses for tests of what stands around every view, beside those of the hub."""

import pytest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import path
from psycopg.errors import CannotConnectNow, QueryCanceled
from psycopg.errors import Error as PsycopgError

from frontend.access import AccessRefused, signed_in, team_required
from frontend.rendering import render_page
from frontend.toasts import add_toast
from hub import urls as hub_urls
from hub.core.errors import NotAllowed

#: A test with this mark finds them.
with_page_urls = pytest.mark.urls(__name__)


def told(request: HttpRequest) -> HttpResponse:
    add_toast(request, "3 images deleted", undo_url="/undo/")
    return render_page(request, "styleguide.html", {})


@signed_in
def private(request: HttpRequest) -> HttpResponse:
    return HttpResponse("inside")


@team_required
def of_team(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.team.name)


def part(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<p>part</p>")


def refused(request: HttpRequest) -> HttpResponse:
    raise AccessRefused("Only members may open this dataset.", who=["linmo", "aoi"])


def refused_form(request: HttpRequest) -> HttpResponse:
    raise NotAllowed("Only its people may change it.")


def broken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


def away(request: HttpRequest, reason: str) -> HttpResponse:
    causes = {"starting": CannotConnectNow(), "nobody": PsycopgError(), "slow": QueryCanceled()}
    raise OperationalError(reason) from causes[reason]


urlpatterns = [
    path("told/", told),
    path("private/", private),
    path("of-team/", of_team),
    path("part/", part),
    path("refused/", refused),
    path("refused-form/", refused_form),
    path("away/<str:reason>/", away),
    path("broken/", broken),
    path("api/broken/", broken),
    *hub_urls.urlpatterns,
]
handler404 = "frontend.pages.errors.not_found"
handler500 = "frontend.pages.errors.server_error"
