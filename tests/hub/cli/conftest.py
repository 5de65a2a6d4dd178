"""The command line against a real server: uvicorn on the test database, uploads included."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from typer.testing import CliRunner

from hub.accounts.models import Scope, User
from hub.accounts.services import create_api_token
from hub.cli.credentials import Account, save_account
from hub.cli.main import app
from hub.cli.terminal import Terminal
from tests.factories.accounts import UserFactory
from tests.factories.live_server import serving
from tests.hub.cli.cut_line import CutLine


@pytest.fixture(scope="module")
def hub_port(django_db_setup: None) -> Iterator[int]:
    """Where the whole ASGI application listens."""
    from hub.asgi import application

    with serving(application) as port:
        yield port


@pytest.fixture
def hub_url(hub_port: int, transactional_db: None) -> str:
    """Address of the running hub; rows made in the test are seen by it."""
    cache.clear()
    return f"http://127.0.0.1:{hub_port}"


@pytest.fixture
def cut_line(hub_port: int, hub_url: str) -> Iterator[CutLine]:
    """A line to the hub that breaks when it is told to."""
    with CutLine(hub_port) as line:
        yield line


@dataclass
class Ran:
    """What one call of the program did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        return json.loads(self.err.splitlines()[-1])


@dataclass
class Program:
    """`atelier` as a person calls it; `waits` are the seconds that it would have slept."""

    address: str
    person: User
    waits: list[float] = field(default_factory=list)
    on_wait: Callable[[], None] = lambda: None

    def __call__(self, *words: str | Path | int, stdin: str = "", code: int | None = 0) -> Ran:
        terminal = Terminal(wait=self._wait)
        done = CliRunner().invoke(app, [str(word) for word in words], input=stdin, obj=terminal)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert code is None or done.exit_code == code, done.output
        return Ran(done.exit_code, done.stdout, done.stderr)

    def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.on_wait()


@pytest.fixture(autouse=True)
def config_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any) -> Path:
    """A home of the test's own for keys and notes."""
    folder = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("ATELIER_CONFIG", str(folder))
    for name in ("ATELIER_HUB", "ATELIER_TOKEN", "ATELIER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def signed_in() -> Callable[..., Program]:
    """Somebody's program, signed in at an address."""

    def make(
        address: str, person: User | None = None, scopes: Sequence[str] = tuple(Scope.values)
    ) -> Program:
        person = person or UserFactory()
        key = create_api_token(actor=person, name="cli", scopes=list(scopes))[1]
        save_account(Account(origin=address, token=key, username=person.username))
        return Program(address, person)

    return make


@pytest.fixture
def atelier(hub_url: str, signed_in: Callable[..., Program]) -> Program:
    """The program of a person who may do everything."""
    return signed_in(hub_url)
