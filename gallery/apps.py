"""The gallery: pictures, what made them, and what people say about them."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GalleryConfig(AppConfig):
    """Pictures and posts."""

    name = "gallery"
    verbose_name = _("Gallery")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hear the registry's published facts."""
        from gallery import receivers  # noqa: F401  connecting needs the loaded models
