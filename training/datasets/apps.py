"""Django's registration of datasets."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DatasetsConfig(AppConfig):
    """Pictures, crops, tags and the snapshots that training reads."""

    name = "training.datasets"
    label = "datasets"
    verbose_name = _("Datasets")
