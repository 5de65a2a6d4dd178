"""A site on this machine to import from, and imports of it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from models_registry.models.remote_import import RemoteImport
from models_registry.services import fetching, importing
from tests.factories.accounts import UserFactory
from tests.factories.registry import lora_bytes


@dataclass
class Site:
    """What the other side serves; `break_after` cuts the next answer after so many bytes."""

    data: bytes = field(default_factory=lora_bytes)
    etag: str = '"one"'
    break_after: int | None = None
    status: int = 200
    redirect: str = ""
    says_length: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    ranges: list[str] = field(default_factory=list)
    address: str = ""


@contextmanager
def serving_site() -> Iterator[Site]:
    """A server on this machine."""
    shown = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            shown.ranges.append(wanted)
            if shown.redirect and self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", shown.redirect)
                self.end_headers()
                return
            start = 0
            if wanted and self.headers.get("If-Range") == shown.etag and shown.status == 200:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
            body = shown.data[start:]
            self.send_response(206 if start else shown.status)
            told = {"ETag": shown.etag}
            if start:
                told["Content-Range"] = f"bytes {start}-{len(shown.data) - 1}/{len(shown.data)}"
            if shown.says_length:
                told["Content-Length"] = str(len(body))
            _send_headers(self, told | shown.headers)
            if shown.break_after is not None:
                body, shown.break_after = body[: shown.break_after], None
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    shown.address = f"http://127.0.0.1:{server.server_port}"
    yield shown
    server.shutdown()
    thread.join()
    server.server_close()


def _send_headers(handler: BaseHTTPRequestHandler, headers: dict[str, str]) -> None:
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()


def begun(site: Site, path: str = "/ink_wash.safetensors") -> RemoteImport:
    return importing.begin_import(actor=UserFactory(), url=site.address + path)


def fetched(row: RemoteImport) -> RemoteImport:
    fetching.fetch_import(import_id=row.pk)
    row.refresh_from_db()
    return row
