"""Requests beside Django's views come from this site's own pages, or from no page at all.

Browsers send the session's cookie also with what a page elsewhere asks for; another port of the
same machine counts as the same site. Django checks its forms by a token, what is answered beside it
(uploads, lines that stay open) looks at the `Origin` header.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from channels.exceptions import DenyConnection
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.utils.http import is_same_domain

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers of a request by their names in small letters; of two alike the last."""
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


def is_own_origin(headers: Mapping[str, str]) -> bool:
    """Whether the page that asks is of this host and port, or of a trusted origin; no page is."""
    origin = headers.get("origin")
    if origin is None or any(_fits(origin, wanted) for wanted in settings.CSRF_TRUSTED_ORIGINS):
        return True
    return re.sub(r"^https?://", "", origin) == headers.get("host")


def _fits(origin: str, trusted: str) -> bool:
    """As Django's check of forms has it: `https://*.example.org` trusts all below that name."""
    given, wanted = urlsplit(origin), urlsplit(trusted)
    if "*" not in trusted:
        return origin == trusted
    return given.scheme == wanted.scheme and is_same_domain(given.netloc, wanted.netloc.lstrip("*"))


def own_pages_only(lines: App) -> App:
    """Refuse websockets of other pages; programs that send no origin are let in."""
    refused = Refusal.as_asgi()

    async def checked(scope: Scope, receive: Any, send: Any) -> None:
        await (lines if is_own_origin(headers_of(scope)) else refused)(scope, receive, send)

    return checked


class Refusal(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """Answers 403 before the handshake: to other pages, and where no line is."""

    async def connect(self) -> None:
        """Refuse."""
        raise DenyConnection
