"""Django's registration of people and teams."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Users, teams, invites, tokens."""

    name = "hub.accounts"
    label = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        """Listen to sign-outs."""
        from hub.accounts import receivers  # noqa: F401  connecting needs the loaded models
