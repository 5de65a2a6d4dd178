"""A person who watches a run on the machine under test."""

from __future__ import annotations

import json
import logging
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from tests.chaos.machine import Machine

ANSWER_SECONDS = 60.0
RECONNECT_SECONDS = 0.2
logging.getLogger("httpx").setLevel(logging.WARNING)  # it asks until the site is back


@dataclass
class Visitor:
    """A signed-in person with a run's page open; reconnects as the page does."""

    machine: Machine
    job_id: str
    told: list[dict[str, Any]] = field(default_factory=list)

    def __enter__(self) -> Visitor:
        self._client = httpx.Client(base_url=self.machine.url, timeout=ANSWER_SECONDS)
        form = self._client.get("/accounts/login/")
        assert form.status_code == 200
        password = (self.machine.home / "secrets" / "admin_password").read_text().strip()
        answer = self.post("/accounts/login/", login="admin", password=password)
        assert answer.status_code == 302
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()
        self._client.close()

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form as its page does."""
        token = self._client.cookies["csrftoken"]
        headers = {"Referer": self.machine.url}
        return self._client.post(
            path, data={**fields, "csrfmiddlewaretoken": token}, headers=headers
        )

    def sees(self, path: str) -> bool:
        """Whether a page comes."""
        with suppress(httpx.TransportError):
            return self._client.get(path).status_code == 200
        return False

    def last(self) -> int:
        """Number of the last event on the page."""
        return int(self.told[-1]["sequence"]) if self.told else 0

    def _watch(self) -> None:
        while not self._left.is_set():
            with suppress(OSError, WebSocketException), self._connected() as socket:
                self._listen(socket)
            self._left.wait(RECONNECT_SECONDS)

    def _connected(self) -> ClientConnection:
        cookie = "; ".join(f"{name}={value}" for name, value in self._client.cookies.items())
        address = self.machine.url.replace("http", "ws", 1)
        return connect(
            f"{address}/ws/jobs/{self.job_id}/?after={self.last()}",
            origin=self.machine.url,  # type: ignore[arg-type]
            additional_headers={"Cookie": cookie},
            open_timeout=ANSWER_SECONDS,
        )

    def _listen(self, socket: ClientConnection) -> None:
        while not self._left.is_set():
            with suppress(TimeoutError):
                message = json.loads(socket.recv(timeout=RECONNECT_SECONDS))
                if message["kind"] != "live":
                    self.told.append(message)
