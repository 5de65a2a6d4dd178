"""What our middleware and decorators add to a request, for the type checker's eyes."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from hub.accounts.models import Team, User


def speaks_json(request: HttpRequest) -> bool:
    """Whether a script asks, which reads JSON."""
    json = "application/json"
    return request.content_type == json or request.get_preferred_type(["text/html", json]) == json


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
