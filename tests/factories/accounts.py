"""People, teams and tokens for tests."""

import factory
from factory.django import DjangoModelFactory

from hub.accounts import services
from hub.accounts.models import Team, User


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda number: f"person{number}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.org")
    password = factory.django.Password("correct horse battery")


def make_team(*, owner: User | None = None, name: str = "Night studio") -> Team:
    return services.create_team(actor=owner or UserFactory(), name=name)
