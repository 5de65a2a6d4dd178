"""Addresses of pictures that never end, and how they end all the same.

Pages and lists give a picture that everyone may see an address without a date. It holds only while
some row still shows the picture to everyone: whoever kept the address gets nothing of what was made
private, taken back or hidden since.

A model with a link to Blob says which of its rows are for everyone by a class attribute
`FOR_EVERYONE`, a Q; without one, none of them is.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from hub.core.kept_queries import KeptRows
from hub.storage.models import Blob


def picture_for_everyone(sha256: str) -> Blob | None:
    """The picture, where something that everyone may see shows it now."""
    found = (row for rows in _for_everyone() for row in rows(sha256))
    return next(found, None)


@lru_cache(maxsize=1)
def _for_everyone() -> tuple[KeptRows[Blob], ...]:
    """A query for each kind of row; to plan them as one takes PostgreSQL longer than all of them.

    Those that reach through the fewest tables come first.
    """
    kinds = sorted(_kinds(), key=lambda kind: _reach(kind[1]))
    return tuple(KeptRows(_shown_by(*kind)) for kind in kinds)


def _kinds() -> Iterator[tuple[type[Model], Q, str]]:
    for relation in Blob._meta.related_objects:
        model = relation.related_model
        rule: Q | None = getattr(model, "FOR_EVERYONE", None)
        if isinstance(model, type) and rule is not None:
            yield model, rule, relation.field.attname


def _shown_by(model: type[Model], rule: Q, column: str) -> Callable[[str], QuerySet[Blob]]:
    rows = model._default_manager.filter(rule, **{column: OuterRef("pk")})
    return lambda sha256: Blob.objects.filter(Exists(rows), sha256=sha256)


def _reach(rule: Q) -> int:
    """How many tables the farthest condition of a rule lies away."""
    names = (condition[0] for condition in rule.children if isinstance(condition, tuple))
    return max((str(name).count("__") for name in names), default=0)
