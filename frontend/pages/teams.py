"""Teams: create one, name it, see its members, invite, join."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from frontend.access import require_allowed, require_visible, signed_in
from frontend.contexts.team_members import heirs_of, member_rows, transfer_form
from frontend.forms.accounts import InviteForm, TeamForm, TransferForm
from frontend.requests import MemberRequest, own_address
from frontend.sent_once import sent_once
from frontend.toasts import add_toast, errors_as_toast
from hub.accounts import queries, services
from hub.accounts.models import Membership, Role, Team
from hub.accounts.permissions import can_choose_owners, can_manage_team


@signed_in
@sent_once
def teams(request: MemberRequest) -> HttpResponse:
    """My teams and the form for a new one."""
    form = TeamForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        team = services.create_team(actor=request.user, name=form.cleaned_data["name"])
        request.session[queries.TEAM_SESSION_KEY] = team.pk
        add_toast(request, _("The team %s is ready.") % team.name, kind="ok")
        wanted = own_address(request, request.GET.get("next", ""))
        return redirect(wanted or reverse("team", args=[team.slug]))
    context = {
        "form": form,
        "teams": queries.teams_of(request.user),
        "current": queries.current_team(request),
    }
    return render(request, "teams/list.html", context, status=422 if form.errors else 200)


@require_safe
@signed_in
def team(request: MemberRequest, slug: str) -> HttpResponse:
    """Members of a team, and for managers its name and the invites."""
    found = _team(request, slug)
    return _page(request, found, TeamForm(initial={"name": found.name}))


@require_POST
@signed_in
def rename(request: MemberRequest, slug: str) -> HttpResponse:
    """Give the team another name; its address stays."""
    found = _team(request, slug)
    message = _("Only owners and managers of %s can do this.") % found.name
    require_allowed(allowed=can_manage_team(request.user, found), message=message, team=found)
    form = TeamForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form)
    services.rename_team(actor=request.user, team=found, name=form.cleaned_data["name"])
    add_toast(request, _("The team is called %s now.") % found.name, kind="ok")
    return redirect("team", slug=slug)


@require_POST
@signed_in
def choose(request: MemberRequest, slug: str) -> HttpResponse:
    """Work in this team from now on."""
    found = _team(request, slug)
    request.session[queries.TEAM_SESSION_KEY] = found.pk
    add_toast(request, _("You work in %s now.") % found.name)
    return redirect("team", slug=slug)


@require_POST
@signed_in
def invite(request: MemberRequest, slug: str) -> HttpResponse:
    """Make an invite link; it is shown once."""
    found = _team(request, slug)
    form = InviteForm(request.POST)
    role = form.cleaned_data["role"] if form.is_valid() else Role.MEMBER
    _invite, key = services.create_invite(actor=request.user, team=found, role=role)
    request.session["invite_link"] = request.build_absolute_uri(reverse("team_join", args=[key]))
    return redirect("team", slug=slug)


@require_POST
@signed_in
def withdraw(request: MemberRequest, slug: str, invite_id: UUID) -> HttpResponse:
    """Make the link of an invite useless."""
    found = _team(request, slug)
    with errors_as_toast(request):
        services.revoke_invite(actor=request.user, team=found, invite_id=invite_id)
        add_toast(request, _("That invite leads nowhere now."), kind="ok")
    return redirect("team", slug=slug)


@signed_in
def join(request: MemberRequest, key: str) -> HttpResponse:
    """Ask, then join the team of an invite link."""
    if request.method != "POST":
        invite = queries.invite_of(request.user, key)
        return render(request, "teams/join.html", {"invite": invite})
    joined = services.accept_invite(actor=request.user, key=key)
    request.session[queries.TEAM_SESSION_KEY] = joined.pk
    add_toast(request, _("You are in %s now.") % joined.name, kind="ok")
    return redirect("team", slug=joined.slug)


@require_POST
@signed_in
def remove(request: MemberRequest, slug: str, user_id: int) -> HttpResponse:
    """Take a member out, or leave."""
    found = _team(request, slug)
    member = _member(found, user_id)
    with errors_as_toast(request):
        services.remove_member(actor=request.user, team=found, user=member.user)
        if member.user == request.user:
            return redirect("teams")
        add_toast(request, _("%s is no longer in the team.") % member.user.public_name)
    return redirect("team", slug=slug)


@require_POST
@signed_in
def change_role(request: MemberRequest, slug: str, user_id: int) -> HttpResponse:
    """Give a member another role."""
    found = _team(request, slug)
    member = _member(found, user_id)
    role = request.POST.get("role", "")
    with errors_as_toast(request):
        changed = services.change_role(actor=request.user, team=found, user=member.user, role=role)
        words = {"name": member.user.public_name, "role": changed.get_role_display()}
        add_toast(request, _("%(name)s now has the role: %(role)s.") % words, kind="ok")
    return redirect("team", slug=slug)


@require_POST
@signed_in
def transfer(request: MemberRequest, slug: str) -> HttpResponse:
    """Hand the team over to another member."""
    found = _team(request, slug)
    message = _("Only an owner of %s can make or unmake owners.") % found.name
    require_allowed(allowed=can_choose_owners(request.user, found), message=message, team=found)
    form = TransferForm(request.POST, heirs=heirs_of(request.user, found))
    if not form.is_valid():
        add_toast(request, _("Choose another member to hand the team over to."), kind="danger")
        return redirect("team", slug=slug)
    member = _member(found, form.cleaned_data["to"])
    with errors_as_toast(request):
        services.transfer_ownership(actor=request.user, team=found, user=member.user)
        add_toast(request, _("%s owns the team now.") % member.user.public_name, kind="ok")
    return redirect("team", slug=slug)


def _page(request: MemberRequest, found: Team, name_form: TeamForm) -> HttpResponse:
    manages = can_manage_team(request.user, found)
    context = {
        "team": found,
        "members": member_rows(request.user, found),
        "can_manage": manages,
        "transfer_form": transfer_form(request.user, found),
        "name_form": name_form,
        "invite_form": InviteForm(),
        "invite_link": request.session.pop("invite_link", ""),
        "invites": queries.open_invites(request.user, found) if manages else [],
        "is_current": queries.current_team(request) == found,
    }
    status = 422 if name_form.errors else 200
    return render(request, "teams/detail.html", context, status=status)


def _member(found: Team, user_id: int) -> Membership:
    return require_visible(found.memberships.select_related("user").filter(user=user_id).first())


def _team(request: MemberRequest, slug: str) -> Team:
    return require_visible(queries.teams_of(request.user).filter(slug=slug).first())


urlpatterns = [
    path("teams/", teams, name="teams"),
    path("teams/join/<str:key>/", join, name="team_join"),
    path("teams/<slug:slug>/", team, name="team"),
    path("teams/<slug:slug>/choose/", choose, name="team_choose"),
    path("teams/<slug:slug>/rename/", rename, name="team_rename"),
    path("teams/<slug:slug>/invite/", invite, name="team_invite"),
    path(
        "teams/<slug:slug>/invites/<uuid:invite_id>/withdraw/",
        withdraw,
        name="team_invite_withdraw",
    ),
    path("teams/<slug:slug>/transfer/", transfer, name="team_transfer"),
    path("teams/<slug:slug>/members/<int:user_id>/remove/", remove, name="team_remove"),
    path("teams/<slug:slug>/members/<int:user_id>/role/", change_role, name="team_role"),
]
