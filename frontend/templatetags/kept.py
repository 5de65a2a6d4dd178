"""Parts of pages that are printed once for what they show, and kept as HTML.

All that a part prints stands in the key that it is kept by, with the language. What differs from
one request to the next (the token of a form, the address of the page) is put in afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from django import template
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.template.defaultfilters import urlencode
from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.functional import LazyObject
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from frontend.templatetags.ui import ANYBODYS, with_token
from frontend.templatetags.words import when

if TYPE_CHECKING:  # view-models are made with the words of this package: no circle at run time
    from frontend.context_processors import Shell
    from frontend.contexts.comments import CommentRow
    from frontend.contexts.model_reviews import ReviewRow

register = template.Library()

#: Frames that each process keeps, some 6 kB each: of guests a dozen, of each person a few.
FRAMES_KEPT = 512
#: Comments and reviews, some 1 kB each.
ROWS_KEPT = 2048
#: Stands for the address of the page; begins as the stand-in for tokens does, and goes first.
HERE = f"{ANYBODYS}here"


@dataclass(frozen=True, slots=True)
class Reader:
    """What the frame says of a member whom the page is for."""

    public_name: str
    username: str
    is_authenticated: bool = True


@register.simple_tag(takes_context=True)
def frame(context: template.Context, name: str) -> SafeString:
    """One part of the frame around every page, by the name of its template."""
    user = context.get("user")
    reader = None
    if user is not None and user.is_authenticated:
        reader = Reader(user.public_name, user.username)
    html = _frame(
        name,
        context["shell"].itself,
        reader,
        str(context.get("nav") or ""),
        str(context.get("search_text") or ""),
        get_script_prefix(),
        settings.STATIC_URL,
        staticfiles_storage,
    )
    return with_token(_at(html, context["page_address"]), context)


@lru_cache(maxsize=FRAMES_KEPT)
def _frame(
    name: str,
    shell: Shell,
    reader: Reader | None,
    nav: str,
    search_text: str,
    _prefix: str,
    _root: str,
    _storage: LazyObject,
) -> SafeString:
    shown = {"shell": shell, "user": reader, "nav": nav, "search_text": search_text}
    return render_to_string(name, {**shown, "page_address": HERE, "csrf_token": ANYBODYS})


def _at(html: SafeString, here: str) -> SafeString:
    """The frame with the address of this page, as a value and as a part of an address."""
    quoted = html.replace(urlencode(HERE), conditional_escape(urlencode(here)))
    return mark_safe(quoted.replace(HERE, conditional_escape(here)))  # noqa: S308  both escaped


@register.simple_tag(takes_context=True)
def comment_row(context: template.Context, row: CommentRow) -> SafeString:
    """One comment, without its answers."""
    alone = replace(row, answers=())
    html = _comment_row(alone, said=when(row.at), language=get_language() or "")
    return with_token(html, context)


@lru_cache(maxsize=ROWS_KEPT)
def _comment_row(row: CommentRow, *, said: str, language: str) -> SafeString:
    shown = {"row": row, "people": dict(row.people), "said": said, "csrf_token": ANYBODYS}
    return render_to_string("comments/_comment.html", shown)


@register.simple_tag
def review_row(row: ReviewRow) -> SafeString:
    """One review."""
    return _review_row(row, said=when(row.at), language=get_language() or "")


@lru_cache(maxsize=ROWS_KEPT)
def _review_row(row: ReviewRow, *, said: str, language: str) -> SafeString:
    return render_to_string("models/_review_row.html", {"review": row, "said": said})
