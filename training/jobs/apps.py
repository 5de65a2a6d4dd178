"""Django's registration of the training queue."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class JobsConfig(AppConfig):
    """Jobs, their events and artifacts, and the machines that run them."""

    name = "training.jobs"
    label = "jobs"
    verbose_name = _("Training runs")
