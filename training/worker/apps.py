"""Django's registration of the training worker."""

from django.apps import AppConfig


class WorkerConfig(AppConfig):
    """Runs training jobs; has no tables."""

    name = "training.worker"
    label = "worker"
