"""What a service says no to, in the form that asked for it."""

from collections.abc import Iterator
from contextlib import contextmanager

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
