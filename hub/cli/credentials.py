"""Hubs that one has signed in to, and their keys: a file that only its owner can read.

ATELIER_HUB and ATELIER_TOKEN go before it, for machines without a person; ATELIER_CONFIG names
another folder. A key is never part of an address.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from hub.cli.errors import LocalProblem, SignInNeeded, WrongUse
from hub.cli.language import gettext as _

APP = "atelier"
FILE_NAME = "hubs.json"


@dataclass(frozen=True, slots=True)
class Account:
    """A hub and the key for it; an empty key means nobody in particular."""

    origin: str
    token: str = ""
    username: str = ""


def config_folder() -> Path:
    """Where the keys lie."""
    named = os.environ.get("ATELIER_CONFIG")
    return Path(named) if named else Path(platformdirs.user_config_dir(APP))


def clean_origin(address: str) -> str:
    """`https://host:port` of what a person typed; plain names get http on this machine only."""
    text = address.strip()
    if "://" not in text:
        local = text.split(":")[0].split("/")[0] in ("localhost", "127.0.0.1")
        text = f"{'http' if local else 'https'}://{text}"
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WrongUse(
            _("{address} is no address of a hub. Write it like https://hub.example.").format(
                address=repr(address)
            )
        )
    if parts.username or parts.password:
        raise WrongUse(_("Leave name and password out of the address; use a token instead."))
    return f"{parts.scheme}://{parts.netloc}"


def current_account(address: str = "") -> Account:
    """The hub that a command speaks to: the one named, ATELIER_HUB, else the last sign-in."""
    saved = _load()
    named = address or os.environ.get("ATELIER_HUB", "")
    origin = clean_origin(named) if named else saved.get("current", "")
    if not origin:
        raise SignInNeeded(
            _("No hub is known yet. Sign in first: atelier login https://hub.example")
        )
    known = saved.get("hubs", {}).get(origin, {})
    token = os.environ.get("ATELIER_TOKEN", "").strip() or known.get("token", "")
    return Account(origin=origin, token=clean_token(token), username=known.get("username", ""))


def clean_token(text: str) -> str:
    """A token as a header can carry it. Raises SignInNeeded for what was never one."""
    if not (text.isascii() and text.isprintable()):
        raise SignInNeeded(
            _("This is no token: it holds signs that none has. Copy it again from the settings.")
        )
    return text


def save_account(account: Account) -> Path:
    """Remember a hub and make it the current one."""
    saved = _load()
    hubs = {**saved.get("hubs", {}), account.origin: _entry(account)}
    return _write({"current": account.origin, "hubs": hubs})


def forget_account(origin: str) -> bool:
    """Drop a hub's key; returns whether there was one."""
    saved = _load()
    hubs = dict(saved.get("hubs", {}))
    known = hubs.pop(origin, None)
    current = saved.get("current", "")
    _write({"current": current if current != origin else next(iter(hubs), ""), "hubs": hubs})
    return known is not None


def _entry(account: Account) -> dict[str, str]:
    return {"token": account.token, "username": account.username}


def _load() -> dict[str, Any]:
    path = config_folder() / FILE_NAME
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise LocalProblem(
            _("{path} cannot be read: {reason}. Delete it and sign in again.").format(
                path=path, reason=error
            )
        ) from error
    return data if isinstance(data, dict) else {}


def _write(data: dict[str, Any]) -> Path:
    """Made with mode 0600 from the start, and renamed into place."""
    folder = config_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path, part = folder / FILE_NAME, folder / f".{FILE_NAME}.{os.getpid()}"
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(data, file, indent=2)
    part.replace(path)
    return path
