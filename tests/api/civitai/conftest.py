"""Shared by the tests of the Civitai-compatible API."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from hub.accounts.models import Scope, User
from hub.accounts.services import create_api_token

GOLDEN = Path(__file__).parent / "golden"


class Api:
    """A program that speaks to the API, with or without a key."""

    def __init__(self, key: str = "") -> None:
        self._client = Client(headers={"Authorization": f"Bearer {key}"} if key else {})
        self._answers: list[HttpResponse] = []

    def get(self, path: str, *, status: int = 200, **query: Any) -> Any:
        response = self._client.get(f"/api/v1/{path}", query)
        assert response.status_code == status, response.content[:500]
        return response.json()

    def post(self, path: str, body: Any, *, status: int = 200) -> Any:
        response = self._client.post(
            f"/api/v1/{path}", json.dumps(body), content_type="application/json"
        )
        assert response.status_code == status, response.content[:500]
        return response.json()

    def raw(self, path: str, *, method: str = "get", **options: Any) -> HttpResponse:
        response = getattr(self._client, method)(path, **options)
        self._answers.append(response)
        return response

    def close(self) -> None:
        for response in self._answers:
            response.close()


@pytest.fixture
def api():
    client = Api()
    yield client
    client.close()


@pytest.fixture
def api_of():
    clients: list[Api] = []

    def make(user: User, scopes: tuple[str, ...] = (Scope.MODELS_READ,)) -> Api:
        clients.append(Api(key_of(user, scopes)))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def key_of(user: User, scopes: tuple[str, ...] = (Scope.MODELS_READ,)) -> str:
    return create_api_token(actor=user, name="test", scopes=list(scopes))[1]


def matches_golden(name: str, answer: Any, **values: Any) -> bool:
    """Compare with a golden file; `{{name}}` in it stands for a value that differs between runs."""
    text = (GOLDEN / f"{name}.json").read_text()
    for key, value in values.items():
        text = text.replace(f'"{{{{{key}}}}}"', json.dumps(value))
    expected = json.loads(text)
    assert answer == expected
    assert list(_keys(answer)) == list(_keys(expected))
    return True


def _keys(value: Any, path: str = ""):
    """Paths of all keys in order: clients with positional readers notice a new order."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{path}.{key}"
            yield from _keys(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner, f"{path}[]")
