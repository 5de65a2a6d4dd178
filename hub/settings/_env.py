"""Typed readers of the environment: a wrong value stops the program with a sentence that helps."""

import ipaddress
import os
import shlex
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

PREFIX = "ATELIER_"
TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})


def text(name: str, default: str = "", *, choices: tuple[str, ...] = ()) -> str:
    """Value of ATELIER_<name>; with choices, one of them."""
    value = os.environ.get(PREFIX + name, default)
    if choices and value not in choices:
        raise ImproperlyConfigured(
            f"{PREFIX}{name} is {value!r}; allowed are: {', '.join(choices)}."
        )
    return value


def flag(name: str, *, default: bool) -> bool:
    """Yes or no from ATELIER_<name>."""
    value = os.environ.get(PREFIX + name, "").strip().lower()
    if not value:
        return default
    if value in TRUE_WORDS:
        return True
    if value in FALSE_WORDS:
        return False
    raise ImproperlyConfigured(f"{PREFIX}{name} is {value!r}; allowed are: yes or no (1 or 0).")


def integer(
    name: str, default: int, *, minimum: int | None = None, maximum: int | None = None
) -> int:
    """Whole number from ATELIER_<name>, inside the bounds."""
    raw = os.environ.get(PREFIX + name)
    if raw is None:
        return default
    try:
        value = int(raw)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{PREFIX}{name} is {raw!r}; a whole number is needed."
        ) from error
    if minimum is not None and value < minimum:
        raise ImproperlyConfigured(f"{PREFIX}{name} is {value}; the least allowed is {minimum}.")
    if maximum is not None and value > maximum:
        raise ImproperlyConfigured(f"{PREFIX}{name} is {value}; the most allowed is {maximum}.")
    return value


def words(name: str, default: tuple[str, ...] = ()) -> list[str]:
    """Comma-separated list from ATELIER_<name>."""
    raw = os.environ.get(PREFIX + name)
    if raw is None:
        return list(default)
    return [word.strip() for word in raw.split(",") if word.strip()]


def command(name: str) -> list[str]:
    """Program and arguments from ATELIER_<name>, as a shell would split them; none by default."""
    raw = text(name)
    try:
        return shlex.split(raw)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{PREFIX}{name} is {raw!r}; close each quotation mark that it opens."
        ) from error


def networks(name: str) -> list[str]:
    """Comma-separated networks such as 10.0.0.0/8 from ATELIER_<name>; none by default."""
    found = words(name)
    for word in found:
        try:
            ipaddress.ip_network(word)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{PREFIX}{name} holds {word!r}; a network such as 10.0.0.0/8 is needed."
            ) from error
    return found


def clamd(name: str) -> str:
    """Where ClamAV's daemon listens: tcp://host:3310, unix:///path, or "" for nowhere."""
    value = text(name)
    parts = urlsplit(value)
    try:
        is_tcp = parts.scheme == "tcp" and bool(parts.hostname and parts.port)
    except ValueError:
        is_tcp = False
    if value and not is_tcp and not (parts.scheme == "unix" and parts.path):
        raise ImproperlyConfigured(
            f"{PREFIX}{name} is {value!r}; tcp://host:3310 or unix:///run/clamav/clamd.ctl is "
            "needed."
        )
    return value


def folder(name: str, default: Path) -> Path:
    """Absolute folder from ATELIER_<name>."""
    raw = os.environ.get(PREFIX + name)
    return (Path(raw) if raw else default).expanduser().absolute()


def plain(name: str, default: str = "") -> str:
    """One of the few variables without our prefix, such as DATABASE_URL."""
    return os.environ.get(name, default)


def database(url: str, **options: str) -> dict[str, object]:
    """Django's database settings from a postgres URL; `?host=/folder` names a socket folder.

    `options` are libpq's, unless the URL says otherwise.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(
            f"DATABASE_URL starts with {parts.scheme!r}; only PostgreSQL is supported: "
            "postgresql://user:password@host:5432/name."
        )
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "hub.core.kept_connections",
        "NAME": unquote(parts.path.lstrip("/")) or "atelier",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": {**options, **query},
    }
