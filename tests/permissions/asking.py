"""Asking the hub as one person, and reading the answer with a hostile eye."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from gallery.models import Image
from hub.core.models import AuditEvent
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion
from tests.permissions.addresses import Leads
from tests.permissions.world import SECRETS

NOTHING = "nothing-of-that-name"
NO_UUID = UUID("0199a000-0000-7000-8000-000000000000")
#: Parts of an address that say what to do, not with what.
VERBS = {"kind", "action"}
TOKENS = re.compile(r'(data-csrf|value|nonce|content)="[^"]*"')


def patterns(found: list[Any]) -> Iterator[URLPattern]:
    for item in found:
        if isinstance(item, URLPattern):
            yield item
        elif isinstance(item, URLResolver) and item.app_name != "admin":
            yield from patterns(item.url_patterns)


NAMED = {item.name: item for item in patterns(get_resolver().url_patterns) if item.name}


WHOLE: dict[str, str] = {"Accept": "text/html,*/*"}
#: As scripts of a page ask: a refusal is one sentence, without the frame of a page around it.
PART = {**WHOLE, "HX-Request": "true"}


def ask(
    client: Client, path: str, method: str = "get", headers: dict[str, str] = WHOLE, **data: Any
) -> tuple[int, str]:
    """Status and text of an answer; what the request changed is undone."""
    with transaction.atomic():
        answer = getattr(client, method)(path, data, headers=headers)
        body = b"".join(answer) if answer.streaming else answer.content
        transaction.set_rollback(True)
    client.cookies.pop("messages", None)  # what a form told would be shown on the next page
    return answer.status_code, body.decode("utf-8", "replace")


def answered(client: Client, method: str, path: str, keys: dict[str, Any]) -> tuple[int, str]:
    """Status and text of an answer to an empty body, without what names the thing."""
    with transaction.atomic():
        answer = client.generic(method, path, "{}", content_type="application/json")
        transaction.set_rollback(True)
    return answer.status_code, plain(answer.content.decode(), path, keys)


def attempt(client: Client, path: str, rule: Leads) -> tuple[int, list[str]]:
    """Status of an answer and what it left in the audit log, which names every change."""
    known = set(AuditEvent.objects.values_list("pk", flat=True))
    with transaction.atomic():
        answer = getattr(client, rule.method)(path, rule.data)
        left = AuditEvent.objects.exclude(pk__in=known).values_list("action", flat=True)
        actions = list(left)
        transaction.set_rollback(True)
    client.cookies.pop("messages", None)
    return answer.status_code, actions


def leaked(role: str, text: str, asked: str = "") -> set[str]:
    """Words that this role must not meet; the address that was asked comes back in links."""
    for echo in (asked, quote(asked, safe="")):
        text = text.replace(echo, "") if asked else text
    return {word for word, who in SECRETS.items() if role not in who and word in text.lower()}


def path_of(name: str, keys: dict[str, Any]) -> str:
    wanted = NAMED[name].pattern.regex.groupindex
    return reverse(name, kwargs={key: keys[key] for key in wanted})


def missing(keys: dict[str, Any]) -> dict[str, Any]:
    return {key: value if key in VERBS else _missing(value) for key, value in keys.items()}


def _missing(value: Any) -> Any:
    if isinstance(value, UUID):
        return NO_UUID
    if isinstance(value, int) or value.isdigit():
        return 987654
    return "0" * len(value) if len(value) == 64 else NOTHING


def plain(text: str, path: str, keys: dict[str, Any]) -> str:
    """An answer without what differs from request to request."""
    for echo in (path, quote(path), quote(path, safe="")):
        text = text.replace(echo, "PATH")
    text = TOKENS.sub("", text)
    if len(text) < 500:
        for value in keys.values():
            text = re.sub(rf"\b{re.escape(str(value))}\b", "KEY", text)
    return text


class Cache:
    """Answers for things that are not there, asked once."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers
        self._known: dict[tuple[str, str], tuple[int, str]] = {}

    def ask(self, client: Client, name: str, rule: Leads, keys: dict[str, Any]) -> tuple[int, str]:
        path = path_of(name, keys)
        if (path, rule.method) not in self._known:
            status, text = ask(client, path, rule.method, self._headers, **rule.data)
            self._known[path, rule.method] = status, plain(text, path, keys)
        return self._known[path, rule.method]


def as_long(keys: dict[str, Any]) -> dict[str, Any]:
    """Keys that lead nowhere, each with as many characters as the real one."""
    numbers = {key: unused(len(str(value))) for key, value in keys.items() if type(value) is int}
    return missing(keys) | numbers


def unused(digits: int) -> int:
    """The largest number of so many digits that no model, version or picture has."""
    kinds = (Model, ModelVersion, Image)
    used = {key for kind in kinds for key in kind.objects.values_list("pk", flat=True)}
    return next(number for number in range(10**digits - 1, 0, -1) if number not in used)


def told(client: Client, path: str) -> tuple[int, int]:
    """How much an answer says: what is asked in as many characters is answered in as many."""
    status, text = ask(client, path)
    return status, len(TOKENS.sub("", text))
