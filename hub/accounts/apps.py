"""Django's registration of people and teams."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, teams, invites, tokens."""

    name = "hub.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Listen to sign-outs."""
        from hub.accounts import receivers  # noqa: F401  connecting needs the loaded models
