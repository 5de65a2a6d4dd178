"""Who may see a thing: one vocabulary for models, pictures and datasets."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Visibility(models.TextChoices):
    """Everyone on this hub, the owner's team, or the owner alone."""

    PUBLIC = "public", _("Everyone on this hub")
    TEAM = "team", pgettext_lazy("visibility", "My team")
    PRIVATE = "private", _("Only me")
