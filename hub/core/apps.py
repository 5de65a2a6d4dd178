"""Django's registration of the platform kernel."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from hub.core.instants import read_instants_quickly


class CoreConfig(AppConfig):
    """Errors, ids, tasks, audit, pagination."""

    name = "hub.core"
    label = "core"

    def ready(self) -> None:
        """Set up each connection to the database."""
        connection_created.connect(read_instants_quickly)
