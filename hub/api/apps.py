"""Django's registration of the two HTTP APIs."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Civitai-compatible v1 and our own v2."""

    name = "hub.api"
    label = "api"

    def ready(self) -> None:
        """Let the schema know how keys are sent."""
        from hub.api.native import schema  # noqa: F401
