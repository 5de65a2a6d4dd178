"""Django's registration of backup and restore."""

from django.apps import AppConfig


class BackupConfig(AppConfig):
    """Brings `manage.py backup` and `manage.py restore`."""

    name = "hub.backup"
    label = "backup"
