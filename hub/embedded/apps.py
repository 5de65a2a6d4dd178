"""Django's name for the one-command machine."""

from django.apps import AppConfig


class EmbeddedConfig(AppConfig):
    """Brings the commands `up` and `prepare`."""

    name = "hub.embedded"
    label = "embedded"
