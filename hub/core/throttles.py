"""How often one address or person may do a thing; counted in the cache."""

from django.core.cache import cache
from django.utils.translation import gettext as _

from hub.core.errors import AtelierError


class TooMany(AtelierError):
    """Asked too often in the window."""

    code = "too_many_requests"


def check_rate(*, key: str, limit: int, window_seconds: int) -> None:
    """Count one use of `key`; raises TooMany above `limit` uses in the window."""
    name = f"rate:{key}"
    if cache.add(name, 1, timeout=window_seconds):
        return
    try:
        used = cache.incr(name)
    except ValueError:  # it expired between the two calls
        cache.set(name, 1, timeout=window_seconds)
        return
    if used > limit:
        raise TooMany(_("Too many requests. Wait %s seconds and try again.") % window_seconds)
