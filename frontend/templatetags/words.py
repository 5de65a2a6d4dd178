"""Numbers and times in the words of the design: 1,254 · 2.1k · 218 MB · 11 min · 2 days ago."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from django import template
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from hub.core.sizes import size_text

register = template.Library()

MINUTE, HOUR, DAY = 60, 3600, 86400


@register.filter
def number(value: float | None) -> str:
    """Whole number with separators: 1254 is 1,254 in both languages."""
    return "" if value is None else f"{int(value):,}"


@register.filter
def compact(value: int) -> str:
    """Short number: 986, 2.1k, 14k, 3.2M."""
    for limit, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= limit:
            scaled = value / limit
            return f"{scaled:.1f}{letter}" if scaled < 10 else f"{int(scaled)}{letter}"
    return str(value)


@register.filter
def size(value: int | None) -> str:
    """Size in bytes as people say it: 41 KB, 2.1 MB, 218 MB, 6.5 GB."""
    return size_text(value)


@register.filter
def duration(seconds: float | None) -> str:
    """A span of time: 38 s, 11 min, 2 h 5 min."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    if whole < MINUTE:
        return _("%(n)d s") % {"n": whole}
    minutes = round(whole / MINUTE)
    if minutes < 60:
        return _("%(n)d min") % {"n": minutes}
    return _("%(h)d h %(m)d min") % {"h": minutes // 60, "m": minutes % 60}


@register.filter
def decimal(value: Decimal | float | None) -> str:
    """A weight or rate without trailing zeros: 0.7, 1.0 is 1."""
    return "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")


def ago(at: datetime, now: datetime) -> str:
    """Words for a past instant: minutes, hours, days; after a week the date."""
    seconds = int((now - at).total_seconds())
    if seconds < MINUTE:
        return _("just now")
    if seconds < HOUR:
        count = seconds // MINUTE
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", count) % {"n": count}
    if seconds < DAY:
        count = seconds // HOUR
        return ngettext("%(n)d hour ago", "%(n)d hours ago", count) % {"n": count}
    if seconds < 7 * DAY:
        count = seconds // DAY
        return ngettext("%(n)d day ago", "%(n)d days ago", count) % {"n": count}
    return formats.date_format(timezone.localtime(at), pgettext("form of a date", "N j, Y"))


@register.filter
def month(at: datetime) -> str:
    """November 2026, in the order of the language."""
    return formats.date_format(timezone.localtime(at), pgettext("form of a month", "F Y"))


@register.simple_tag
def when(at: datetime | None) -> SafeString | str:
    """An instant in words; the exact local time on hover (app/time sets the reader's zone)."""
    if at is None:
        return "–"
    return format_html("{}{}</time>", _exactly(at), ago(at, timezone.now()))


@lru_cache(maxsize=4096)
def _exactly(at: datetime) -> SafeString:
    exact = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC" data-ago>',
        exact.isoformat(timespec="seconds"),
        exact.strftime("%Y-%m-%d %H:%M"),
    )


@register.simple_tag
def clock(at: datetime | None) -> SafeString | str:
    """A time of day such as 14:31; app/time turns it into the reader's zone."""
    if at is None:
        return "–"
    return format_html(
        '<time datetime="{}" data-clock>{}</time>',
        at.astimezone(UTC).isoformat(timespec="seconds"),
        timezone.localtime(at).strftime("%H:%M"),
    )
