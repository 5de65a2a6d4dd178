"""A public server: nothing may fall back to a development value."""

from django.core.exceptions import ImproperlyConfigured

from hub.settings import _env
from hub.settings.base import *  # noqa: F403

if len(_env.text("SECRET_KEY")) < 32:
    raise ImproperlyConfigured(
        "ATELIER_SECRET_KEY is missing or shorter than 32 characters; set a long random text."
    )
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _env.flag("HTTPS", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = _env.integer("HSTS_SECONDS", 0, minimum=0)
