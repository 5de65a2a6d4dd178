"""Queries that depend on who asks, put together once for guests, people and administrators."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from hub.accounts.models import User
from hub.core.kept_queries import KeptRows, Key

Result = TypeVar("Result")


class RowsForViewer(Generic[Result]):
    """`KeptRows` of a query set that `build` makes of a viewer and keys.

    `build` is given a person of whom only the key is asked, and who is an administrator or not;
    whatever else may differ between two people has to be a key or a query of its own.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Result]]) -> None:
        self._for_guests = KeptRows(lambda *keys: build(AnonymousUser(), *keys))
        self._for_people = KeptRows(lambda me, *keys: build(User(pk=me), *keys))
        self._for_administrators = KeptRows(
            lambda me, *keys: build(User(pk=me, is_superuser=True), *keys)
        )

    def __call__(self, viewer: User | AnonymousUser, *keys: Key) -> list[Result]:
        """The rows that this viewer may have for these keys."""
        if not viewer.is_authenticated:
            return self._for_guests(*keys)
        rows = self._for_administrators if viewer.is_superuser else self._for_people
        return rows(viewer.pk, *keys)
