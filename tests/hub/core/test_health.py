"""What a load balancer is told."""

import json

import pytest
from asgiref.testing import ApplicationCommunicator

from hub.asgi import application

pytestmark = pytest.mark.django_db(transaction=True)


async def _get(path: str) -> tuple[int, dict[str, object]]:
    scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"host", b"10.0.0.7")]}
    link = ApplicationCommunicator(application, scope)
    await link.send_input({"type": "http.request", "body": b""})
    start, body = await link.receive_output(10), await link.receive_output(10)
    return start["status"], json.loads(body["body"])


@pytest.fixture
def no_cache(settings):
    """Nobody listens on the discard port of this machine."""
    cache = settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:9/0"}
    settings.CACHES = {"default": cache}


async def test_a_process_that_can_serve_says_so_to_any_host(settings) -> None:
    settings.ALLOWED_HOSTS = ["atelier.example.org"]
    assert await _get("/healthz") == (200, {"ok": True})
    assert await _get("/readyz") == (200, {"ok": True, "database": True, "cache": True})


@pytest.mark.usefixtures("no_cache")
async def test_a_process_without_its_cache_lives_but_is_not_ready() -> None:
    assert await _get("/healthz") == (200, {"ok": True})
    assert await _get("/readyz") == (503, {"ok": False, "database": True, "cache": False})
