"""Names of columns in the administration: Django's own, made of the field's name, are English.

They are given here, beside the models: in a model a name is part of its migrations, which nobody
wants for a word. The catalogue has them under the context "column".
"""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Field, Model
from django.utils.translation import pgettext_lazy

CONTEXT = "column"
PACKAGES = ("hub", "models_registry", "gallery", "training")


def name_columns() -> None:
    """Have every column of our tables say its name in the reader's language."""
    for table in apps.get_models():
        for column in _unnamed(table):
            column.verbose_name = pgettext_lazy(CONTEXT, english_name(column))


def shown_columns() -> Iterator[str]:
    """English names of the columns that the administration shows, some of them more than once."""
    for table, page in admin.site._registry.items():
        for shown in (table, *(inline.model for inline in page.inlines)):
            yield from map(english_name, _unnamed(shown))


def english_name(column: "Field[Any, Any]") -> str:
    """What Django calls a column that has no other name."""
    return column.name.replace("_", " ")


def _unnamed(table: type[Model]) -> Iterator["Field[Any, Any]"]:
    if table.__module__.partition(".")[0] in PACKAGES:
        for column in (*table._meta.local_fields, *table._meta.local_many_to_many):
            if column._verbose_name is None:  # type: ignore[attr-defined]
                yield column
