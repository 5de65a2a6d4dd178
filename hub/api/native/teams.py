"""`/teams/`: the teams one works in, who is in them with which role, invites, joining, leaving."""

from typing import Any, ClassVar
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hub.accounts import services
from hub.accounts.models import Invite, Membership, Role, Scope
from hub.accounts.queries import (
    member_of,
    members_of,
    open_invites,
    person_named,
    team_for,
    teams_of,
)
from hub.api.native.access import NativeView, actor_of
from hub.api.native.pages import ErrorShape, body_of
from hub.api.native.people import PersonShape, TeamList, TeamShape

FAILURES = {400: ErrorShape, 403: ErrorShape, 404: ErrorShape, 409: ErrorShape}


class TeamView(NativeView):
    """Any key lists the teams of its person; to change one it takes a key with every scope.

    Who is in a team sees all that the team has, so that a narrow key must not widen itself by
    letting others in.
    """

    write_scopes: ClassVar[tuple[Scope, ...]] = tuple(Scope)
    writing_needs_all = True


class MemberShape(serializers.Serializer[Membership]):
    """One person in a team."""

    person = PersonShape(source="user")
    role = serializers.ChoiceField(choices=Role.choices)
    joined_at = serializers.DateTimeField()


class MemberList(serializers.Serializer[Any]):
    """All of them, owners first, viewers last."""

    items = MemberShape(many=True)


class InviteShape(serializers.Serializer[Invite]):
    """A link that admits one person with this role, until it expires."""

    id = serializers.UUIDField()
    role = serializers.ChoiceField(choices=Role.choices)
    created_by = PersonShape()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class NewInviteShape(InviteShape):
    """The only answer that holds the key: nobody can look it up later."""

    key = serializers.CharField()
    url = serializers.CharField(help_text="The page on which its holder joins.")


class InviteList(serializers.Serializer[Any]):
    """Those that nobody has used and that have not expired, newest first."""

    items = InviteShape(many=True)


class RoleForm(serializers.Serializer[Any]):
    """What a person may do there; only owners make owners."""

    role = serializers.ChoiceField(choices=Role.choices)


class InviteForm(serializers.Serializer[Any]):
    """The role of whoever joins."""

    role = serializers.ChoiceField(choices=Role.choices, required=False, default=Role.MEMBER)


class MemberForm(InviteForm):
    """A person by user name."""

    username = serializers.CharField()


class JoinForm(serializers.Serializer[Any]):
    """The key of an invite: the end of its address."""

    key = serializers.CharField()


class TeamForm(serializers.Serializer[Any]):
    """What a team is called; its address is made of the first name and stays."""

    name = serializers.CharField(max_length=80)


class Teams(TeamView):
    """One's teams."""

    @extend_schema(operation_id="teams_list", responses=TeamList)
    def get(self, request: Request) -> Response:
        """List the teams one is in, by name."""
        return Response(TeamList({"items": teams_of(actor_of(request))}).data)

    @extend_schema(
        operation_id="teams_create", request=TeamForm, responses={201: TeamShape, **FAILURES}
    )
    def post(self, request: Request) -> Response:
        """Make a team and be its owner."""
        sent, actor = body_of(request, TeamForm), actor_of(request)
        team = services.create_team(actor=actor, name=sent["name"])
        return Response(TeamShape(team_for(actor, team.slug)).data, status=201)


class OneTeam(TeamView):
    """A team that one is in."""

    @extend_schema(operation_id="teams_show", responses={200: TeamShape, 404: ErrorShape})
    def get(self, request: Request, slug: str) -> Response:
        """Show a team's name and one's role there."""
        return Response(TeamShape(team_for(actor_of(request), slug)).data)

    @extend_schema(
        operation_id="teams_rename", request=TeamForm, responses={200: TeamShape, **FAILURES}
    )
    def patch(self, request: Request, slug: str) -> Response:
        """Give a team another name; its address stays."""
        sent, actor = body_of(request, TeamForm), actor_of(request)
        team = services.rename_team(actor=actor, team=team_for(actor, slug), name=sent["name"])
        return Response(TeamShape(team).data)


class TeamMembers(TeamView):
    """Who is in a team."""

    @extend_schema(operation_id="team_members_list", responses={200: MemberList, 404: ErrorShape})
    def get(self, request: Request, slug: str) -> Response:
        """List the members of a team that one is in."""
        team = team_for(actor_of(request), slug)
        return Response(MemberList({"items": members_of(team)}).data)

    @extend_schema(
        operation_id="team_members_add",
        request=MemberForm,
        responses={201: MemberShape, **FAILURES},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Put a person into the team; who is in it already keeps their role."""
        sent, actor = body_of(request, MemberForm), actor_of(request)
        team = team_for(actor, slug)
        member = services.add_member(
            actor=actor, team=team, user=person_named(sent["username"]), role=sent["role"]
        )
        return Response(MemberShape(member).data, status=201)


class OneMember(TeamView):
    """One person in a team."""

    @extend_schema(
        operation_id="team_members_change",
        request=RoleForm,
        responses={200: MemberShape, **FAILURES},
    )
    def patch(self, request: Request, slug: str, user_id: int) -> Response:
        """Give a member another role; a team always keeps an owner."""
        sent, actor = body_of(request, RoleForm), actor_of(request)
        team = team_for(actor, slug)
        person = member_of(team, user_id).user
        member = services.change_role(actor=actor, team=team, user=person, role=sent["role"])
        return Response(MemberShape(member).data)

    @extend_schema(operation_id="team_members_remove", responses={204: None, **FAILURES})
    def delete(self, request: Request, slug: str, user_id: int) -> Response:
        """Take a member out, or leave with one's own id; the last owner cannot."""
        actor = actor_of(request)
        team = team_for(actor, slug)
        services.remove_member(actor=actor, team=team, user=member_of(team, user_id).user)
        return Response(status=204)


class TeamInvites(TeamView):
    """Links that let people in, for owners and managers."""

    @extend_schema(
        operation_id="team_invites_list",
        responses={200: InviteList, 403: ErrorShape, 404: ErrorShape},
    )
    def get(self, request: Request, slug: str) -> Response:
        """List the open invites, without their keys."""
        actor = actor_of(request)
        team = team_for(actor, slug)
        return Response(InviteList({"items": open_invites(actor, team)}).data)

    @extend_schema(
        operation_id="team_invites_create",
        request=InviteForm,
        responses={201: NewInviteShape, **FAILURES},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Make an invite that admits one person for a week; its key is told this once."""
        sent, actor = body_of(request, InviteForm), actor_of(request)
        team = team_for(actor, slug)
        invite, key = services.create_invite(actor=actor, team=team, role=sent["role"])
        url = request.build_absolute_uri(reverse("team_join", args=[key]))
        told = InviteShape(invite).data | {"key": key, "url": url}
        return Response(told, status=201, headers={"Cache-Control": "no-store"})


class OneInvite(TeamView):
    """One link."""

    @extend_schema(operation_id="team_invites_revoke", responses={204: None, **FAILURES})
    def delete(self, request: Request, slug: str, invite_id: UUID) -> Response:
        """Withdraw an invite."""
        actor = actor_of(request)
        team = team_for(actor, slug)
        services.revoke_invite(actor=actor, team=team, invite_id=invite_id)
        return Response(status=204)


class JoinTeam(TeamView):
    """The other side of an invite."""

    @extend_schema(
        operation_id="teams_join",
        request=JoinForm,
        responses={200: TeamShape, 403: ErrorShape, 404: ErrorShape},
    )
    def post(self, request: Request) -> Response:
        """Join the team of an invite."""
        sent, actor = body_of(request, JoinForm), actor_of(request)
        team = services.accept_invite(actor=actor, key=sent["key"])
        return Response(TeamShape(team_for(actor, team.slug)).data)
