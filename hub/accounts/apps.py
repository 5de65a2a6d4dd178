"""Django's registration of people and teams."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, teams, invites, tokens."""

    name = "hub.accounts"
    label = "accounts"
