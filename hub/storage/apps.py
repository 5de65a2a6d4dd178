"""Django's registration of stored bytes."""

from django.apps import AppConfig


class StorageConfig(AppConfig):
    """Uploads, blobs, delivery."""

    name = "hub.storage"
    label = "storage"
