"""Names and words as the names of downloaded files have them: without signs, in any case."""

import re

from django.db.models import F, Func, TextField, Value
from django.db.models.functions import Upper

#: ASCII without letters and digits, for Python and PostgreSQL alike.
SIGNS = r"[ -/:-@[-`{-~]"


def spelled(column: str) -> Upper:
    """The expression of an index over a column; it must be asked for with the same words."""
    letters = Func(
        F(column),
        Value(SIGNS),
        Value(""),
        Value("g"),
        function="regexp_replace",
        output_field=TextField(),
    )
    return Upper(letters)


def spellings(*texts: str) -> list[Upper]:
    """What to compare `spelled` with; texts of signs alone are left out."""
    letters = (re.sub(SIGNS, "", text) for text in texts)
    return [Upper(Value(text)) for text in letters if text]


def beginnings(text: str) -> list[Upper]:
    """Every name that a text could begin with."""
    return spellings(*(text[:end] for end in range(1, len(text) + 1)))
