"""Django's registration of the model registry."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RegistryConfig(AppConfig):
    """Models, versions, files, hashes, reviews, bookmarks."""

    name = "models_registry"
    label = "models_registry"
    verbose_name = _("Models")
