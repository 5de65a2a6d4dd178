"""uvicorn in a thread of the test process, on the test database."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

START_SECONDS = 20


class _Server(uvicorn.Server):
    """Tells when it listens, so that nobody sleeps; leaves the signals to pytest."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_listening = threading.Event()

    def install_signal_handlers(self) -> None:
        pass

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_listening.set()


@contextmanager
def serving(application: Any, *, websockets: bool = False) -> Iterator[int]:
    """Serve until the block is left; gives the port, on 127.0.0.1."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    ways = "websockets-sansio" if websockets else "none"
    server = _Server(uvicorn.Config(application, log_level="warning", lifespan="off", ws=ways))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    assert server.is_listening.wait(START_SECONDS), "the server did not start"
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
    assert not thread.is_alive(), "the server did not stop"
