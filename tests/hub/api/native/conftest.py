"""Shared by the tests of our own API."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from hub.accounts.models import Scope, User
from hub.accounts.services import create_api_token
from hub.storage import uploads
from hub.storage.models import Upload

EVERYTHING = tuple(Scope.values)


class Api:
    """A program that speaks to the API, with or without a key."""

    def __init__(self, key: str = "") -> None:
        self._client = Client(headers={"Authorization": f"Bearer {key}"} if key else {})
        self._answers: list[HttpResponse] = []

    def get(self, path: str, *, status: int = 200, **query: Any) -> Any:
        return self._checked(self._client.get(f"/api/v2/{path}", query), status)

    def post(self, path: str, body: Any = None, *, status: int = 201) -> Any:
        answer = self._client.post(f"/api/v2/{path}", body or {}, content_type="application/json")
        return self._checked(answer, status)

    def patch(self, path: str, body: Any, *, status: int = 200) -> Any:
        answer = self._client.patch(f"/api/v2/{path}", body, content_type="application/json")
        return self._checked(answer, status)

    def put(self, path: str, body: Any = None, *, status: int = 200) -> Any:
        answer = self._client.put(f"/api/v2/{path}", body or {}, content_type="application/json")
        return self._checked(answer, status)

    def delete(self, path: str, *, status: int = 204) -> Any:
        answer = self._client.delete(f"/api/v2/{path}")
        if answer.status_code == status == 204:
            return None
        return self._checked(answer, status)

    def raw(self, path: str, **options: Any) -> HttpResponse:
        self._answers.append(self._client.get(path, **options))
        return self._answers[-1]

    def close(self) -> None:
        """At the end of the test: closing an answer closes the connection to the database."""
        for answer in self._answers:
            answer.close()

    @staticmethod
    def _checked(answer: HttpResponse, status: int) -> Any:
        assert answer.status_code == status, answer.content[:500]
        body = answer.json()
        if status >= 400:
            assert isinstance(body["error"], str)
            assert body["error"]
            assert body["code"]
        return body


@pytest.fixture
def api() -> Iterator[Api]:
    """Nobody in particular."""
    client = Api()
    yield client
    client.close()


@pytest.fixture
def api_of() -> Iterator[Callable[..., Api]]:
    """A person's program, with the scopes of its key."""
    clients: list[Api] = []

    def make(user: User, scopes: Sequence[str] = EVERYTHING) -> Api:
        clients.append(Api(create_api_token(actor=user, name="test", scopes=list(scopes))[1]))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def send() -> Callable[..., Upload]:
    """A finished upload of a person."""

    def make(owner: User, data: bytes, *, purpose: str, name: str) -> Upload:
        upload = uploads.begin_upload(
            actor=owner, purpose=purpose, filename=name, size_bytes=len(data)
        )
        uploads.partial_path(upload.pk).write_bytes(data)
        return uploads.complete_upload(upload=upload, sha256=None)

    return make
