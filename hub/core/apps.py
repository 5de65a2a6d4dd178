"""Django's registration of the platform kernel."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Errors, ids, tasks, audit, pagination."""

    name = "hub.core"
    label = "core"
