"""The history of a card: every service that changes one does it inside `card_edit`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import transaction
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core.errors import Conflict
from models_registry.card_fields import card_fields
from models_registry.models.model import Model
from models_registry.models.revision import CardRevision

_open_cards: ContextVar[frozenset[int]] = ContextVar("open_cards", default=frozenset())


@contextmanager
def card_edit(*, actor: User | None, model_id: int) -> Iterator[None]:
    """A transaction that ends with a revision when the card reads differently afterwards.

    Inside another edit of the same card it only joins in: one page saved is one revision, however
    many services it takes. `actor` None means the hub itself, for example after reading a file.
    """
    if model_id in _open_cards.get():
        yield
        return
    token = _open_cards.set(_open_cards.get() | {model_id})
    try:
        with transaction.atomic():
            # The lock keeps two edits from both comparing with the same predecessor.
            Model.objects.select_for_update(of=("self",)).only("pk").get(pk=model_id)
            before = _last_fields(model_id)
            yield
            after = card_fields(model_id)
            if after != before:
                CardRevision.objects.create(model_id=model_id, author=actor, fields=dict(after))
    finally:
        _open_cards.reset(token)


def require_as_seen(*, model_id: int, seen: int) -> None:
    """Raise Conflict when the card got a revision after the one `seen`; inside `card_edit`.

    0 is a card that had none: the one that its first edit begins with says nothing new.
    """
    rows = CardRevision.objects.filter(model_id=model_id, pk__gt=seen).order_by("pk")
    newer = list(rows.values_list("author_id", flat=True)[:2])
    is_beginning = seen == 0 and newer == [None]
    if newer and not is_beginning:
        raise Conflict(
            _("Nothing is saved yet: the card was changed after this page was opened."),
            code="card_changed",
        )


def keep_beginning(*, actor: User, model_id: int) -> None:
    """The first revision of a new model; needs the caller's transaction."""
    CardRevision.objects.create(model_id=model_id, author=actor, fields=dict(card_fields(model_id)))


def _last_fields(model_id: int) -> Mapping[str, str]:
    """The card as the history has it; a card without one begins with how it stands now."""
    last = CardRevision.objects.filter(model_id=model_id).order_by("-pk").first()
    if last is None:
        last = CardRevision.objects.create(model_id=model_id, fields=dict(card_fields(model_id)))
    return dict(last.fields)
