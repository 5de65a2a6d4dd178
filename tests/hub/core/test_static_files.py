import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as site
from django.test import RequestFactory

from hub.core.static_files import PIECE_BYTES, StaticFilesMiddleware

DATA = bytes(range(256)) * 1024


@pytest.fixture
def ask(settings, tmp_path):
    """Ask for /static/app.bin; returns status, headers and the pieces that an event loop sends."""
    settings.STATIC_ROOT = tmp_path
    (tmp_path / "app.bin").write_bytes(DATA)
    middleware = StaticFilesMiddleware(lambda request: None)

    def send(method: str = "GET", **headers: str):
        request = RequestFactory().generic(method, "/static/app.bin", headers=headers)
        response = middleware(request)

        async def pieces():
            return [piece async for piece in response]

        sent = async_to_sync(pieces)()
        response.close()
        return response.status_code, response.headers, sent

    return send


def test_the_site_serves_static_files_with_it():
    assert "hub.core.static_files.StaticFilesMiddleware" in site.MIDDLEWARE


def test_a_static_file_is_sent_in_pieces_without_a_warning_under_asgi(ask):
    status, headers, sent = ask()
    assert (status, b"".join(sent)) == (200, DATA)
    assert headers["Content-Length"] == str(len(DATA))
    assert max(map(len, sent)) == PIECE_BYTES < len(DATA)


def test_a_range_ends_where_it_was_asked_to(ask):
    status, headers, sent = ask(range="bytes=100-70000")
    assert (status, b"".join(sent)) == (206, DATA[100:70001])
    assert headers["Content-Range"] == f"bytes 100-70000/{len(DATA)}"


@pytest.mark.parametrize(("method", "expected"), [("HEAD", 200), ("GET", 304), ("POST", 405)])
def test_an_answer_without_bytes_is_none_under_asgi_either(ask, method, expected):
    known = ask("HEAD")[1]["ETag"]
    status, headers, sent = ask(method, **({"if-none-match": known} if expected == 304 else {}))
    assert (status, sent) == (expected, [])
    assert "Content-Disposition" not in headers
