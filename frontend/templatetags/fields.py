"""Fields of a form: the control with the right class and the right description for readers."""

from __future__ import annotations

from typing import Any

from django import forms, template
from django.forms.boundfield import BoundField
from django.forms.formsets import BaseFormSet
from django.utils.safestring import SafeString

from frontend.form_errors import WrongField, problems_of

register = template.Library()

DJANGO_ROWS, ROWS = "10", 4  # Django's default is half a screen

CLASS_BY_WIDGET: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxInput, ""),
    (forms.RadioSelect, ""),
    (forms.CheckboxSelectMultiple, ""),
    (forms.HiddenInput, ""),
    (forms.Select, "select"),
    (forms.Textarea, "textarea"),
    (forms.Widget, "input"),
)


@register.filter
def is_check(field: BoundField) -> bool:
    """Whether the field is one box to tick, which has its label beside it."""
    return isinstance(field.field.widget, forms.CheckboxInput)


@register.filter
def is_choice_list(field: BoundField) -> bool:
    """Whether the field is a list of boxes or radio buttons."""
    return isinstance(field.field.widget, forms.RadioSelect | forms.CheckboxSelectMultiple)


@register.filter
def is_range(field: BoundField) -> bool:
    """Whether the field is a slider."""
    return getattr(field.field.widget, "input_type", "") == "range"


@register.filter
def control(field: BoundField) -> SafeString:
    """The field's own control with our class; described by its error, else by its hint."""
    widget = field.field.widget
    named = next(name for kind, name in CLASS_BY_WIDGET if isinstance(widget, kind))
    named = "range" if is_range(field) else named
    classes = " ".join(part for part in (named, widget.attrs.get("class", "")) if part)
    attrs: dict[str, Any] = {"class": classes} if classes else {}
    if isinstance(widget, forms.Textarea) and widget.attrs.get("rows") == DJANGO_ROWS:
        attrs["rows"] = ROWS
    if described := description_id(field):
        attrs["aria-describedby"] = described
    if is_first_wrong(field):
        attrs["autofocus"] = True
    return field.as_widget(attrs=attrs)


@register.filter
def is_first_wrong(field: BoundField) -> bool:
    """Whether a refused form is to be gone on with here, without a script.

    What is wrong with the form as a whole stands above its fields and is read first. A form with
    `takes_focus` False is only shown.
    """
    form = field.form
    if not field.errors or form.non_field_errors() or not getattr(form, "takes_focus", True):
        return False
    return next(row.name for row in form.visible_fields() if row.errors) == field.name


@register.simple_tag
def problems(*parts: forms.BaseForm | BaseFormSet[Any] | None) -> list[WrongField]:
    """What is wrong with the fields of forms and of lists of forms, in their order."""
    listed: list[forms.BaseForm] = []
    for part in parts:
        if part is not None:
            listed += part.forms if isinstance(part, BaseFormSet) else [part]
    return [problem for form in listed for problem in problems_of(form)]


def description_id(field: BoundField) -> str:
    """Id of what explains the field now: the error takes the hint's place."""
    if not field.auto_id:
        return ""
    if field.errors:
        return f"{field.auto_id}_error"
    return f"{field.auto_id}_helptext" if field.help_text else ""
