"""Who looks at a page, and what they read there."""

from django.test import Client

from hub.accounts.models import Role, User
from hub.accounts.services import add_member
from models_registry.models.version import ModelVersion
from tests.factories.accounts import UserFactory


def client_of(user: User | None = None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def text_of(response) -> str:
    return response.content.decode()


def people_of(version: ModelVersion) -> dict[str, User | None]:
    """Anonymous, stranger, viewer and member of the team, owner of the model."""
    team = version.model.team
    viewer, member = UserFactory(), UserFactory()
    add_member(actor=team.created_by, team=team, user=viewer, role=Role.VIEWER)
    add_member(actor=team.created_by, team=team, user=member, role=Role.MANAGER)
    return {
        "anonymous": None,
        "stranger": UserFactory(),
        "viewer": viewer,
        "member": member,
        "owner": version.model.owner,
    }
