"""What a service says no to, in the form that asked for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django import forms

from hub.core.errors import AtelierError, NotAllowed


@contextmanager
def errors_on(form: forms.BaseForm) -> Iterator[None]:
    """Put what cannot be done above the form, which keeps what was typed.

    Not being allowed is no matter of what was typed: that goes on to the page of a refusal.
    """
    try:
        yield
    except NotAllowed:
        raise
    except AtelierError as error:
        form.add_error(None, error.message)


@dataclass(frozen=True, slots=True)
class WrongField:
    """A field that was refused: its label, why, and the id of the control to go to."""

    label: str
    sentence: str
    anchor: str


def problems_of(form: forms.BaseForm) -> list[WrongField]:
    """What is wrong with the fields that people see, in their order; nothing if none was sent."""
    if not form.is_bound:
        return []
    wrong = [field for field in form.visible_fields() if field.errors]
    return [
        WrongField(
            str(field.label), " ".join(map(str, field.errors)), field.id_for_label or field.auto_id
        )
        for field in wrong
    ]
