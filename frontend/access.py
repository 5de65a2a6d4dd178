"""Who may open a page: signed in, in a team; not visible is 404, not allowed is 403."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from frontend.requests import speaks_json
from frontend.toasts import add_toast
from hub.accounts.models import Team
from hub.accounts.permissions import MANAGERS
from hub.accounts.queries import current_team, members_of, works_in
from hub.core.errors import NotAllowed, NotFound, SignedOut

Arguments = ParamSpec("Arguments")
Thing = TypeVar("Thing")
Answer = TypeVar("Answer", bound=HttpResponseBase)
Request = TypeVar("Request", bound=HttpRequest)


class AccessRefused(NotAllowed):
    """Visible but not allowed; `who` names the people who can let one in (for the 403 page)."""

    def __init__(self, message: str, *, who: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.who = tuple(who)


def signed_in(
    view: Callable[Concatenate[Request, Arguments], Answer],
) -> Callable[Concatenate[HttpRequest, Arguments], Answer]:
    """Send others to the sign-in page and back here; the view may ask for a MemberRequest.

    Who sent something gets 401 instead: a page or script that goes to another page would lose it.
    """

    @wraps(view)
    def inner(request: Any, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if speaks_json(request) or _sent_words(request):
            raise SignedOut(_("You are signed out. Sign in to go on."))
        return redirect_to_login(_page_of(request))

    return cast(Callable[Concatenate[HttpRequest, Arguments], Answer], inner)


def _sent_words(request: HttpRequest) -> bool:
    """Whether a form came with more than its button."""
    return request.method == "POST" and bool(request.POST.keys() - {"csrfmiddlewaretoken", "next"})


def _page_of(request: Any) -> str:
    """The page to come back to: an address that gives parts or takes forms is none."""
    if request.htmx and request.htmx.current_url_abs_path:
        return str(request.htmx.current_url_abs_path)
    if request.method in ("GET", "HEAD"):
        return str(request.get_full_path())
    origin = f"{request.scheme}://{request.get_host()}/"
    before = request.headers.get("Referer", "")
    return f"/{before.removeprefix(origin)}" if before.startswith(origin) else "/"


def team_required(
    view: Callable[Concatenate[Request, Arguments], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]:
    """Signed in and in a team, else go and make one and come back; may ask for a TeamRequest."""

    @wraps(view)
    def inner(request: Any, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponseBase:
        team = current_team(request)
        if team is None:
            add_toast(request, _("Create a team or ask for an invite first."))
            return redirect_to_login(_page_of(request), login_url=reverse("teams"))
        request.team = team
        return view(request, *args, **kwargs)

    return signed_in(cast(Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase], inner))


def team_work_required(
    view: Callable[Concatenate[Request, Arguments], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]:
    """In a team in which one makes things: who only looks on there gets 403, with whom to ask."""

    @wraps(view)
    def inner(request: Any, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponseBase:
        team: Team = request.team
        allowed = works_in(request.user, team) or request.user.is_superuser
        message = _("You are a viewer in %s: you see what is there, and change nothing.")
        require_allowed(allowed=allowed, message=message % team.name, team=team)
        return view(request, *args, **kwargs)

    return team_required(cast(Callable[Concatenate[Any, Arguments], HttpResponseBase], inner))


def require_visible(thing: Thing | None, message: str = "") -> Thing:
    """The thing, or 404 when it is not there or not visible to this person."""
    if thing is None:
        raise NotFound(message or _("There is nothing at this address, or you may not see it."))
    return thing


def require_allowed(*, allowed: bool, message: str, team: Team | None = None) -> None:
    """403 unless allowed; with a team the page names its owners and managers."""
    if not allowed:
        raise AccessRefused(message, who=gatekeepers(team) if team else ())


def gatekeepers(team: Team) -> list[str]:
    """Public names of the people who manage the team."""
    members = members_of(team).filter(role__in=MANAGERS)
    return [member.user.public_name for member in members]
