"""One machine, one person, the embedded services."""

from hub.settings import _env
from hub.settings.base import *  # noqa: F403

DEBUG = _env.flag("DEBUG", default=False)
ALLOWED_HOSTS = _env.words("ALLOWED_HOSTS", ("*",))
# Hashed names as in production, without the seconds that packing costs at the first start.
STORAGES = {
    **STORAGES,  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
