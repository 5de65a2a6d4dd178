"""Who may find a model, and under which written licence it comes."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ModelVisibility(models.TextChoices):
    """The values of hub.core.visibility, and unlisted: whoever has the address, but no list."""

    PUBLIC = "public", _("Everyone on this hub")
    UNLISTED = "unlisted", _("Whoever has the address")
    TEAM = "team", pgettext_lazy("visibility", "My team")
    PRIVATE = "private", _("Only me")


class LicenceName(models.TextChoices):
    """Written licences by SPDX identifier; those that SPDX does not list are LicenseRef-…"""

    OPENRAIL_M = "LicenseRef-CreativeML-OpenRAIL-M", "CreativeML OpenRAIL-M"
    OPENRAIL_PLUS = "LicenseRef-CreativeML-OpenRAIL++-M", "CreativeML OpenRAIL++-M"
    FAIR_AI = "LicenseRef-Fair-AI-Public-1.0-SD", "Fair AI Public License 1.0-SD"
    APACHE = "Apache-2.0", "Apache 2.0"
    MIT = "MIT", "MIT"
    CC0 = "CC0-1.0", "CC0 1.0"
    CC_BY = "CC-BY-4.0", "CC BY 4.0"
    CC_BY_SA = "CC-BY-SA-4.0", "CC BY-SA 4.0"
    CC_BY_NC = "CC-BY-NC-4.0", "CC BY-NC 4.0"
    CC_BY_NC_SA = "CC-BY-NC-SA-4.0", "CC BY-NC-SA 4.0"
