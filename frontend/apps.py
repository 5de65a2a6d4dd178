"""Django's entry for the pages."""

from django.apps import AppConfig


class FrontendConfig(AppConfig):
    """Templates, static files, template tags and the messages command."""

    name = "frontend"

    def ready(self) -> None:
        """Name the columns for the administration, now that all models are there."""
        from frontend.columns import name_columns  # the administration needs the loaded apps

        name_columns()
