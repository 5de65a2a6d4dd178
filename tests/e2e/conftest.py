"""A real browser on a real server: shared by every end-to-end test.

`live_hub` is the whole ASGI application under uvicorn on the test database, `page` a Chromium page
that fails the test on any request off this machine, any error or warning in the console and any
uncaught script error, and `sign_in(user)` puts a person's session into it. ATELIER_CHROMIUM names
the browser.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test import Client
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    sync_playwright,
)

from hub.accounts.models import User
from tests.factories.live_server import serving
from tests.journeys.processes import celery_worker

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No other host is ever found: what asks for one fails, and the guard hears. (To be told of
    # every request costs the browser time, to answer each here its cache.)
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
]
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
NETWORK = {"http", "https", "ws", "wss"}
# A browser that leaves a page hangs up on its scripts; Django's handler for static files in
# development then leaves the file to the garbage collector.
LEFT_PAGE = (
    "ignore:Exception ignored in. <_io.FileIO name='.*/static/"
    ":pytest.PytestUnraisableExceptionWarning"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs a browser."""
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.filterwarnings(LEFT_PAGE))


@dataclass
class LiveHub:
    """Where the server listens."""

    url: str


class KeptStaticFiles(ASGIStaticFilesHandler):
    """Files that the browser keeps, as in production; in a new clone it would ask each time."""

    def serve(self, request: HttpRequest) -> HttpResponseBase:
        answer = super().serve(request)
        answer["Cache-Control"] = "max-age=3600"
        return answer


@pytest.fixture(scope="module")
def hub_server(django_db_setup: None) -> Iterator[LiveHub]:
    """uvicorn in a thread, on the test database, with static files from the source."""
    from hub.asgi import application

    with serving(KeptStaticFiles(application), websockets=True) as port:
        yield LiveHub(f"http://127.0.0.1:{port}")


@pytest.fixture
def live_hub(hub_server: LiveHub, transactional_db: None) -> LiveHub:
    """The running hub; rows made in the test are seen by it."""
    return hub_server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium for one module. Playwright's loop runs in this thread, so Django must allow it."""
    named = os.environ.get("ATELIER_CHROMIUM")
    executable = named or shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert executable, "no chromium found: install it or set ATELIER_CHROMIUM"
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        launched = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield launched
        launched.close()


@dataclass
class Guard:
    """What a page did that it must not do; `expect` names an error that belongs to the test."""

    faults: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect(self, text: str) -> None:
        self.expected.append(text)

    def note(self, fault: str) -> None:
        self.faults.append(fault)

    def unexpected(self) -> list[str]:
        return [fault for fault in self.faults if not any(text in fault for text in self.expected)]

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.note(f"script error: {error}"))
        page.on("console", self.hear)

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.note(f"console: {message.text}")

    def keep_inside(self, request: Request) -> None:
        asked = urlsplit(request.url)
        if asked.scheme in NETWORK and asked.hostname not in LOOPBACK:
            self.note(f"request off this machine: {request.url}")


@pytest.fixture
def guard() -> Guard:
    """The faults of this test's pages."""
    return Guard()


@pytest.fixture
def context(browser: Browser, live_hub: LiveHub, guard: Guard) -> Iterator[BrowserContext]:
    """A fresh browser profile, 1440 wide; other sizes by `page.set_viewport_size`."""
    fresh = browser.new_context(
        base_url=live_hub.url, viewport={"width": 1440, "height": 900}, reduced_motion="reduce"
    )
    fresh.on("requestfailed", guard.keep_inside)
    fresh.on("page", guard.watch)
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext, guard: Guard) -> Iterator[Page]:
    """A page that must stay on this machine and must not report errors."""
    opened = context.new_page()
    yield opened
    assert guard.unexpected() == []


@pytest.fixture
def sign_in(context: BrowserContext, live_hub: LiveHub) -> Callable[[User], None]:
    """Put the person's session into the browser."""

    def put(user: User) -> None:
        client = Client()
        client.force_login(user)
        value = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_hub.url}]
        )

    return put


@pytest.fixture
def prefer(context: BrowserContext, live_hub: LiveHub) -> Callable[[str, str], None]:
    """Choose theme and language as the switches do, by their cookies."""

    def choose(theme: str, language: str) -> None:
        chosen = {"atelier_theme": theme, settings.LANGUAGE_COOKIE_NAME: language}
        context.add_cookies(
            [{"name": name, "value": value, "url": live_hub.url} for name, value in chosen.items()]
        )

    return choose


@pytest.fixture(scope="module")
def cpu_worker(django_db_setup: None) -> Iterator[subprocess.Popen[bytes]]:
    """A real Celery worker for files, pictures and imports, for the tests of one module."""
    with celery_worker("cpu") as process:
        yield process


@pytest.fixture
def start_gpu_worker() -> Iterator[Callable[[], None]]:
    """Call it when the journey has come to the queue; the worker ends with the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(celery_worker("gpu"))
