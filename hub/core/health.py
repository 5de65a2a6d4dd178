"""What a load balancer asks: does the process live, and can it serve people?

Answered before Django, so that neither the Host header nor sessions matter. `/healthz` says that
the process answers; `/readyz` that database and Valkey answer too. A process that is not ready is
left out until it is; only one that does not live is worth a restart.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from channels.db import database_sync_to_async
from django.core.cache import cache
from django.db import connection

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LIVE, READY = "/healthz", "/readyz"
ANSWER_SECONDS = 5.0


async def health(scope: Scope, _receive: Receive, send: Send) -> None:
    """ASGI application of the two addresses: 200 or 503, and JSON that names what is away."""
    parts = {} if scope["path"] == LIVE else {name: await _ask(name) for name in QUESTIONS}
    well = all(parts.values())
    body = json.dumps({"ok": well, **parts}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 200 if well else 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _ask(name: str) -> bool:
    """Whether a part answers in time; why not is in its own log and in ours at every request."""
    question = database_sync_to_async(QUESTIONS[name], thread_sensitive=False)
    try:
        await asyncio.wait_for(question(), ANSWER_SECONDS)
    except Exception:
        return False
    return True


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_cache() -> None:
    cache.get("readyz")


QUESTIONS: dict[str, Callable[[], None]] = {"database": _ask_database, "cache": _ask_cache}
