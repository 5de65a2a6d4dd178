"""One machine, one person, the embedded services."""

from hub.settings import _env
from hub.settings.base import *  # noqa: F403

DEBUG = _env.flag("DEBUG", default=False)
ALLOWED_HOSTS = _env.words("ALLOWED_HOSTS", ("*",))
