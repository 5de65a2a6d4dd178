"""What our middleware and decorators add to a request, for the type checker's eyes."""

from typing import cast
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from hub.accounts.models import Team, User

#: A form that draws parts of its page anew: a redirect back to that page answers with all of it.
PARTS_HEADER = "Atelier-Parts"


def speaks_json(request: HttpRequest) -> bool:
    """Whether a script asks, which reads JSON; below /api/ whoever does not ask for a page."""
    page, json = "text/html", "application/json"
    kinds = [json, page] if request.path.startswith("/api/") else [page, json]
    return request.content_type == json or request.get_preferred_type(kinds) == json


def leads_back(request: HttpRequest, address: str) -> bool:
    """Whether a form that draws parts of its page anew is led back to this page."""
    page = cast("PageRequest", request).htmx.current_url_abs_path
    asks = PARTS_HEADER in request.headers and bool(page)
    return asks and urlsplit(page or "").path == urlsplit(address).path


class PageRequest(HttpRequest):
    """Any request for a page."""

    htmx: HtmxDetails
    theme: str
    error_code: str


class MemberRequest(PageRequest):
    """Behind `signed_in`: the person is known."""

    user: User


class TeamRequest(MemberRequest):
    """Behind `team_required`: the person works in this team."""

    team: Team


def own_address(request: HttpRequest, target: str) -> str:
    """The address to go on to, if it leads to this hub; else ""."""
    is_ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if is_ours else ""
