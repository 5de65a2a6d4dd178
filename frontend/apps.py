"""Django's entry for the pages."""

from django.apps import AppConfig


class FrontendConfig(AppConfig):
    """Templates, static files, template tags and the messages command."""

    name = "frontend"
