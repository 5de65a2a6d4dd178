"""Short messages that pass by: in a page, or with a partial through HX-Trigger."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest

from hub.core.errors import AtelierError, NotAllowed, NotFound

KIND_BY_LEVEL = {messages.SUCCESS: "ok", messages.WARNING: "danger", messages.ERROR: "danger"}


@dataclass(frozen=True, slots=True)
class Toast:
    """What a toast says; with `undo_url` it has an Undo button that posts there."""

    text: str
    kind: str = ""
    undo_url: str = ""


def add_toast(request: HttpRequest, text: str, *, kind: str = "", undo_url: str = "") -> None:
    """Show `text` on the next page or partial; `kind` is "", ok or danger."""
    level = {"ok": messages.SUCCESS, "danger": messages.ERROR}.get(kind, messages.INFO)
    messages.add_message(request, level, text, extra_tags=undo_url)


@contextmanager
def errors_as_toast(request: HttpRequest) -> Iterator[None]:
    """Tell what could not be done on the next page, which shows things as they are.

    Who may not do it, or asks for what is not there, gets the page of a refusal instead.
    """
    try:
        yield
    except (NotAllowed, NotFound):
        raise
    except AtelierError as error:
        add_toast(request, error.message, kind="danger")


def as_toast(message: Message) -> Toast:
    """One of Django's messages as a toast."""
    tags = message.extra_tags or ""
    return Toast(
        text=str(message.message),
        kind=KIND_BY_LEVEL.get(message.level, ""),
        undo_url=tags if tags.startswith("/") else "",
    )


def take_toasts(request: HttpRequest) -> list[dict[str, str]]:
    """All waiting toasts as plain data, taken out of the store."""
    return [asdict(as_toast(message)) for message in messages.get_messages(request)]
