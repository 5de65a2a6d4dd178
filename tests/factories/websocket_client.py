"""A client of a consumer, on asgiref's own communicator (the one of Channels needs Daphne)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from asgiref.testing import ApplicationCommunicator
from channels.routing import URLRouter
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore

from hub.accounts.models import User
from training.datasets.routing import websocket_urlpatterns as of_datasets
from training.jobs.routing import websocket_urlpatterns as of_jobs

SECONDS = 5.0


class Client:
    """One websocket of one person, in the session with the given key if there is one."""

    def __init__(
        self, address: str, user: User | AnonymousUser, *, session_key: str | None = None
    ) -> None:
        parts = urlsplit(address)
        scope = {
            "type": "websocket",
            "path": parts.path,
            "query_string": parts.query.encode(),
            "headers": [],
            "subprotocols": [],
            "user": user,
            "session": SessionStore(session_key),
        }
        self._talk = ApplicationCommunicator(URLRouter([*of_jobs, *of_datasets]), scope)

    async def connect(self) -> None:
        """Shake hands."""
        await self._talk.send_input({"type": "websocket.connect"})
        assert (await self.receive_raw())["type"] == "websocket.accept"

    async def receive_raw(self) -> dict[str, Any]:
        """The next thing the consumer does."""
        return await self._talk.receive_output(SECONDS)

    async def receive(self) -> dict[str, Any]:
        """The next message."""
        return json.loads((await self.receive_raw())["text"])

    async def hears_nothing(self) -> bool:
        """Whether nothing comes for a moment."""
        return await self._talk.receive_nothing(timeout=0.3)

    async def send(self, message: object) -> None:
        """Say something, as a browser's JSON.stringify writes it."""
        text = json.dumps(message, separators=(",", ":"))
        await self._talk.send_input({"type": "websocket.receive", "text": text})

    async def until_live(self) -> list[dict[str, Any]]:
        """Every message up to the one that says: this is all so far."""
        messages = []
        while (message := await self.receive())["kind"] != "live":
            messages.append(message)
        return messages

    async def leave(self) -> None:
        """Close the line."""
        await self._talk.send_input({"type": "websocket.disconnect", "code": 1000})
        await self._talk.wait(SECONDS)
