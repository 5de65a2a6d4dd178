"""Django's registration of the demo content."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """`manage.py seed_demo`."""

    name = "hub.demo"
    label = "demo"
