"""A form that remembers what its page showed, and tells what was changed elsewhere since."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from django import forms
from django.db import models
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from hub.core.seen import ChangedMeanwhile, laid_over, marks_of

VALUE_CHARACTERS = 200


def by_now(saved: object) -> str:
    """What is told of a value that was changed elsewhere."""
    value = Truncator(str(saved)).chars(VALUE_CHARACTERS)
    return _("It is “%(value)s” by now. Saved again, yours takes its place.") % {"value": value}


@contextmanager
def told_on(form: "SeenForm") -> Iterator[None]:
    """Put what was changed elsewhere on the form, which keeps what was typed."""
    try:
        yield
    except ChangedMeanwhile as error:
        form.tell(error)


class SeenForm(forms.Form):
    """Fields of a row, with marks of the values that they showed at first in a hidden one."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput({"autocomplete": "off"}))

    @classmethod
    def of(cls, row: models.Model, data: Any = None) -> Self:
        """The form with what is saved now."""
        names = [name for name in cls.base_fields if name != "seen"]
        saved = {name: getattr(row, name) for name in names}
        return cls(data, initial={**saved, "seen": json.dumps(marks_of(row, names))})

    def clean_seen(self) -> dict[str, str]:
        """The marks by field; nothing of what is none."""
        try:
            marks = json.loads(self.cleaned_data["seen"] or "{}")
        except (ValueError, RecursionError):
            return {}
        return marks if isinstance(marks, dict) else {}

    def details(self) -> dict[str, Any]:
        """What was typed, without the marks."""
        return {name: value for name, value in self.cleaned_data.items() if name != "seen"}

    def tell(self, error: ChangedMeanwhile) -> None:
        """Say at each field what is saved by now; sent again, what was typed takes its place.

        The other fields show what sending the form would have saved.
        """
        typed = {n: value for n, value in self.details().items() if n not in error.fields}
        shown = laid_over(error.row, typed, self.cleaned_data["seen"])
        shown["seen"] = json.dumps(marks_of(error.row, self.details()))
        self.data = {
            **self.data.dict(),  # type: ignore[attr-defined]  # a form that was sent has a QueryDict
            **{self.add_prefix(name): value for name, value in shown.items()},
        }
        self.add_error(None, error.message)
        for name in error.fields:
            saved = getattr(error.row, name)
            words = dict(getattr(self.fields[name], "choices", ()))
            self.add_error(name, by_now(words.get(saved, saved)))
