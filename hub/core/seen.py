"""What a page showed of a row, so that saving it does not undo what was changed elsewhere.

A page carries a mark of each value that it shows. What comes back with them is laid over the row as
it is by then: fields that the person left alone stay as they are saved, and a field that was
changed on both sides is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from hub.core.errors import Conflict

MARK_DIGITS = 16


class ChangedMeanwhile(Conflict):
    """`fields` of a `row` were changed on the page and elsewhere, to different values."""

    code = "changed_meanwhile"

    def __init__(self, row: models.Model, fields: Iterable[str]) -> None:
        super().__init__(
            _("Nothing is saved yet: this was changed elsewhere after the page was opened.")
        )
        self.row, self.fields = row, tuple(fields)


def marks_of(row: models.Model, names: Iterable[str]) -> dict[str, str]:
    """A short mark of each value of a row, by its field."""
    return {name: _mark(getattr(row, name)) for name in names}


def laid_over(
    row: models.Model, values: Mapping[str, Any], seen: Mapping[str, str]
) -> dict[str, Any]:
    """The values to save in a locked row, of which a page showed what `seen` has marks of.

    Raises ChangedMeanwhile. Fields without a mark are taken as they are given.
    """
    found, clashing = {}, []
    for name, value in values.items():
        saved = getattr(row, name)
        now, given = _mark(saved), _mark(value)
        shown = seen.get(name, now)
        if shown != now and given not in (now, shown):
            clashing.append(name)
        found[name] = saved if given == shown else value
    if clashing:
        raise ChangedMeanwhile(row, clashing)
    return found


def _mark(value: object) -> str:
    """The same for texts that differ only as a browser's form makes them differ."""
    text = str(value).replace("\r\n", "\n").strip()
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:MARK_DIGITS]
