"""Addresses of pictures that never end, and how they end all the same.

Pages and lists give a picture that everyone may see an address without a date. It holds only while
some row still shows the picture to everyone: whoever kept the address gets nothing of what was made
private, taken back or hidden since.

A model with a link to Blob says which of its rows are for everyone by a class attribute
`FOR_EVERYONE`, a Q; without one, none of them is.
"""

from django.db.models import Exists, OuterRef, Q, QuerySet

from hub.core.kept_queries import KeptRows
from hub.storage.models import Blob


def picture_for_everyone(sha256: str) -> Blob | None:
    """The picture, where something that everyone may see shows it now."""
    return next(iter(_for_everyone(sha256)), None)


def _shown(sha256: str) -> QuerySet[Blob]:
    shown = Q()
    for relation in Blob._meta.related_objects:
        model, column = relation.related_model, relation.field.attname
        rule: Q | None = getattr(model, "FOR_EVERYONE", None)
        if rule is not None:
            rows = model._default_manager.filter(rule, **{column: OuterRef("pk")})
            shown |= Q(Exists(rows))
    return Blob.objects.filter(shown, sha256=sha256)


_for_everyone = KeptRows(_shown)
