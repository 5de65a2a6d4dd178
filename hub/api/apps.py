"""Django's registration of the two HTTP APIs."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Civitai-compatible v1 and our own v2."""

    name = "hub.api"
    label = "api"
