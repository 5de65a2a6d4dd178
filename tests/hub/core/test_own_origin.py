"""Lines that stay open answer this site's own pages, and programs."""

import pytest
from asgiref.testing import ApplicationCommunicator

from hub.asgi import application
from hub.core.live import SIGN_IN_CODE

HOST = "hub.example:8000"
SECONDS = 5.0


async def answers(path: str, origin: str | None) -> list[dict]:
    """What a handshake is answered with."""
    headers = [(b"host", HOST.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    scope = {"type": "websocket", "path": path, "query_string": b"", "headers": headers}
    talk = ApplicationCommunicator(application, scope | {"subprotocols": []})
    await talk.send_input({"type": "websocket.connect"})
    first = await talk.receive_output(SECONDS)
    if first["type"] == "websocket.close":
        return [first]
    return [first, await talk.receive_output(SECONDS)]


@pytest.mark.parametrize(
    "origin",
    [
        *(f"http://{HOST}", f"https://{HOST}", None),
        *("https://trusted.example", "https://a.below.example"),
    ],
)
async def test_own_pages_trusted_ones_and_programs_are_answered(origin, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://trusted.example", "https://*.below.example"]
    accepted, asked_to_sign_in = await answers("/ws/queue/", origin)
    assert accepted["type"] == "websocket.accept"
    assert asked_to_sign_in["code"] == SIGN_IN_CODE


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://hub.example:9000", "http://hub.example", "null"]
)
async def test_other_pages_are_refused_before_the_handshake(origin):
    assert [said["type"] for said in await answers("/ws/queue/", origin)] == ["websocket.close"]


async def test_where_no_line_is_nobody_is_let_in():
    answered = await answers("/ws/nowhere/", f"http://{HOST}")
    assert [said["type"] for said in answered] == ["websocket.close"]
