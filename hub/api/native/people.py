"""`/me/`: who the key belongs to; how people and teams are told of."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hub.accounts.models import ApiToken, Role, Team, User
from hub.api.native.access import NativeView, actor_of


class PersonShape(serializers.Serializer[User]):
    """A person as others see them."""

    id = serializers.IntegerField()
    username = serializers.CharField()
    name = serializers.CharField(source="public_name")


class MeShape(PersonShape):
    """Whoever calls; `scopes` is null in a browser's session, which may do everything."""

    email = serializers.EmailField()
    is_administrator = serializers.BooleanField(source="is_superuser")
    scopes = serializers.SerializerMethodField()

    def get_scopes(self, user: User) -> list[str] | None:
        """Scopes of the token in use."""
        auth = self.context["auth"]
        return list(auth.scopes) if isinstance(auth, ApiToken) else None


class TeamShape(serializers.Serializer[Team]):
    """A team by the name in its address; `role` is the caller's: viewers change nothing there."""

    id = serializers.IntegerField()
    slug = serializers.CharField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)


class TeamList(serializers.Serializer[Any]):
    """All of them; nobody is in so many teams that pages were needed."""

    items = TeamShape(many=True)


class Me(NativeView):
    """Whoever calls."""

    @extend_schema(operation_id="me", responses=MeShape)
    def get(self, request: Request) -> Response:
        """Say who the token belongs to and what it may do."""
        return Response(MeShape(actor_of(request), context={"auth": request.auth}).data)
