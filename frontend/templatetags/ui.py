"""The components of the design as template tags; `/styleguide/` shows every one in every state."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django import template
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.forms.utils import flatatt
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.functional import LazyObject
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from frontend.meter import Meter
from frontend.requests import PARTS_HEADER

if TYPE_CHECKING:  # view-models are made with the words of this package: no circle at run time
    from frontend.contexts.components import FileRow, ImageCard, ModelCard, Picture, TagRow, Thumb
    from frontend.contexts.lists import FilterGroup

register = template.Library()

#: Cards that each process keeps as HTML, some 3 kB each.
CARDS_KEPT = 2048
#: And fieldsets of filters, some 2 kB each.
GROUPS_KEPT = 512
#: And forms below threads, some 1 kB each.
FORMS_KEPT = 2048
#: Stands in what is kept for the token of whom it is shown to; no text of the database holds it.
ANYBODYS = "\x00"
ASKS_FOR_PARTS = json.dumps({PARTS_HEADER: "yes"})
NOTE_ICONS = {"warn": "triangle-alert", "danger": "circle-x", "ok": "circle-check", "": "info"}


def attributes(given: dict[str, Any]) -> SafeString:
    """HTML attributes from keywords: `data_copy` becomes `data-copy`; None is left out."""
    named = {key.rstrip("_").replace("_", "-"): value for key, value in given.items()}
    return flatatt({key: value for key, value in named.items() if value is not None})


@register.simple_tag
def icon(name: str, label: str = "", extra: str = "") -> SafeString:
    """One Lucide icon of the sprite; hidden from readers unless it has a label."""
    return _icon(name, label, extra, settings.STATIC_URL, staticfiles_storage)


@lru_cache(maxsize=1024)
def _icon(name: str, label: str, extra: str, _root: str, _storage: LazyObject) -> SafeString:
    """Kept, as a page prints a hundred; what the address of the sprite depends on is a key."""
    sprite = static("vendor/icons.svg")
    return format_html(
        '<svg class="i{}"{}><use href="{}#{}"></use></svg>',
        f" {extra}" if extra else "",
        flatatt({"role": "img", "aria-label": label} if label else {"aria-hidden": "true"}),
        sprite,
        name,
    )


@register.simple_tag
def button(
    label: str,
    kind: str = "",
    *,
    symbol: str = "",
    href: str = "",
    only_icon: bool = False,
    type: str = "button",
    **extra: Any,
) -> SafeString:
    """A button, or a link like one; `kind` is any of primary quiet danger sm lg block."""
    classes = " ".join(part for part in ("btn", kind, "icon" if only_icon else "") if part)
    named: dict[str, Any] = {"class": classes, **extra}
    named |= {"href": href} if href else {"type": type}
    if "data_open" in extra:
        named |= _opening(extra["data_open"])
    if only_icon:
        named["aria_label"] = label
    return format_html(
        "<{0}{1}>{2}{3}</{0}>",
        "a" if href else "button",
        attributes(named),
        icon(symbol) if symbol else "",
        "" if only_icon else label,
    )


@register.simple_tag
def posts(url: str, parts: str) -> SafeString:
    """How a form is sent: with a script only `parts` are drawn anew, and what is typed stays.

    `parts` are ids of the page, "#this,#that". The answer holds them, alone or in the whole page
    that it leads back to; without a script that page is opened.
    """
    target, _comma, others = parts.partition(",")
    named = {
        "method": "post",
        "action": url,
        "hx_post": url,
        "hx_target": target,
        "hx_select": target,
        "hx_select_oob": others or None,
        "hx_swap": "outerHTML",
        "hx_headers": ASKS_FOR_PARTS,
    }
    return attributes(named)


@register.simple_tag
def opens(id: str) -> SafeString:
    """What makes a button open a dialog; without a script the browser does it by itself."""
    return attributes(_opening(id))


def _opening(id: str) -> dict[str, str]:
    return {"data_open": id, "command": "show-modal", "commandfor": id}


@register.simple_tag
def badge(label: str, kind: str = "", *, symbol: str = "", pulse: bool = False) -> SafeString:
    """A word that can only be read; `kind` is ok, warn, danger, info, live, on-img or type."""
    mark = icon(symbol) if symbol else ""
    if kind == "live" and not symbol:
        mark = format_html('<span class="dot{}"></span>', " pulse" if pulse else "")
    return format_html('<span class="badge{}">{}{}</span>', f" {kind}" if kind else "", mark, label)


@register.simple_tag
def chip(
    label: str,
    *,
    href: str = "",
    symbol: str = "",
    count: int | None = None,
    pressed: bool | None = None,
    removable: bool = False,
    **extra: Any,
) -> SafeString:
    """A chip to press, or (removable) to take away a filter."""
    named: dict[str, Any] = {"class": "chip", **extra}
    named |= {"href": href} if href else {"type": "button"}
    if pressed is not None:
        named |= (
            {"aria_current": "true" if pressed else None}
            if href
            else {"aria_pressed": str(pressed).lower()}
        )
    if removable:
        named["aria_label"] = _("Remove filter: %(name)s") % {"name": label}
    return format_html(
        "<{0}{1}>{2}{3}{4}{5}</{0}>",
        "a" if href else "button",
        attributes(named),
        icon(symbol) if symbol else "",
        label,
        "" if count is None else format_html(' <b class="num">{}</b>', count),
        icon("x") if removable else "",
    )


@register.simple_tag
def trigger(word: str, *, block: bool = False) -> SafeString:
    """A trigger word: the whole chip copies it."""
    return format_html(
        '<button class="trigger{}" type="button" data-copy="{}" aria-label="{}">'
        "<code>{}</code>{}</button>",
        " block" if block else "",
        word,
        _("Copy trigger word %(word)s") % {"word": word},
        word,
        icon("copy"),
    )


@register.simple_tag
def copy_button(
    label: str, text: str = "", *, source: str = "", kind: str = "sm", **extra: Any
) -> SafeString:
    """A button that copies `text`, or the text of the element that the selector `source` finds."""
    named = {"data_copy": text or None, "data_copy_from": source or None, **extra}
    return button(label, kind, symbol="copy", **named)


@register.simple_tag
def avatar(name: str, url: str = "", size: str = "") -> SafeString:
    """The picture of a person, or the first letter of the name. Always beside the name."""
    classes = f"avatar {size}".strip()
    if url:
        return format_html('<img class="{}" src="{}" alt="" width="40" height="40">', classes, url)
    return format_html('<span class="{}" aria-hidden="true">{}</span>', classes, name[:1])


@register.simple_tag
def stars(rating: float) -> SafeString:
    """Rating from 0 to 5 as stars."""
    full = round(rating)
    drawn = "".join(f'<span class="s{" on" if i < full else ""}"></span>' for i in range(5))
    label = _("%(rating)s out of 5") % {"rating": rating}
    return format_html(
        '<span class="stars" role="img" aria-label="{}">{}</span>',
        label,
        mark_safe(drawn),  # noqa: S308  fixed markup
    )


@register.inclusion_tag("components/meter.html")
def meter(
    value: float,
    maximum: float,
    label: str,
    *,
    parts: int = 0,
    kind: str = "",
    id: str = "",
) -> dict[str, Meter]:
    """A progress bar with real numbers; `parts` cuts it (epochs)."""
    return {"meter": Meter(value, maximum, label, parts=parts, kind=kind, id=id)}


@register.inclusion_tag("components/picture.html")
def picture(shown: Picture, *, eager: bool = False) -> dict[str, object]:
    """A picture over its placeholder, with width and height known before it loads."""
    return {"picture": shown, "eager": eager}


@register.simple_tag(takes_context=True)
def model_card(
    context: template.Context, card: ModelCard, *, eager: bool = False, level: int = 2
) -> SafeString:
    """The model card; `level` is the heading level that fits the page."""
    everyones = replace(card, save_url="", is_saved=False)
    shown = _model_card(everyones, eager=eager, level=level, language=get_language() or "")
    return format_html('<li class="card">{}{}</li>', shown, _save_button(context, card))


@lru_cache(maxsize=CARDS_KEPT)
def _model_card(card: ModelCard, *, eager: bool, level: int, language: str) -> SafeString:
    """What everybody sees of a card, made once for each language: lists show the same ones."""
    shown = {"card": card, "eager": eager, "level": level}
    return render_to_string("components/model_card.html", shown)


def _save_button(context: template.Context, card: ModelCard) -> SafeString:
    if not card.save_url:
        return SafeString()
    button = _kept_save_button(
        card.save_url, card.title, is_saved=card.is_saved, language=get_language() or ""
    )
    return with_token(button, context)


def with_token(html: SafeString, context: template.Context) -> SafeString:
    """What is kept for everybody, with the token of whom this page is for."""
    token = conditional_escape(context.get("csrf_token") or "")
    return mark_safe(html.replace(ANYBODYS, token))  # noqa: S308  a template, and an escape


@lru_cache(maxsize=CARDS_KEPT)
def _kept_save_button(url: str, title: str, *, is_saved: bool, language: str) -> SafeString:
    shown = {"url": url, "is_saved": is_saved, "title": title, "csrf_token": ANYBODYS}
    return format_html(
        '<div class="tr">{}</div>', render_to_string("components/save_button.html", shown)
    )


@register.simple_tag
def image_card(card: ImageCard) -> SafeString:
    """One picture of a masonry, with who made it and a copy of its generation data."""
    return _image_card(card, language=get_language() or "")


@lru_cache(maxsize=CARDS_KEPT)
def _image_card(card: ImageCard, *, language: str) -> SafeString:
    """Everything that is printed stands in the card, addresses that end one day among it."""
    return render_to_string("components/image_card.html", {"card": card})


@register.simple_tag(takes_context=True)
def answer_form(
    context: template.Context, address: str, thread_id: int, max_characters: int
) -> SafeString:
    """The folded form below a thread of comments."""
    form = _answer_form(address, thread_id, max_characters, language=get_language() or "")
    return with_token(form, context)


@lru_cache(maxsize=FORMS_KEPT)
def _answer_form(address: str, thread_id: int, max_characters: int, *, language: str) -> SafeString:
    shown = {
        "write_address": address,
        "thread_id": thread_id,
        "max_characters": max_characters,
        "csrf_token": ANYBODYS,
    }
    return render_to_string("comments/_answer.html", shown)


@register.simple_tag
def filter_group(group: FilterGroup) -> SafeString:
    """One fieldset of a filter rail, with the counts beside its choices."""
    return _filter_group(group, language=get_language() or "")


@lru_cache(maxsize=GROUPS_KEPT)
def _filter_group(group: FilterGroup, *, language: str) -> SafeString:
    """Most lists print the same choices with the same counts again."""
    return render_to_string("components/filter_group.html", {"group": group})


@register.inclusion_tag("components/file_row.html")
def file_row(row: FileRow) -> dict[str, FileRow]:
    """One file with badges, size and hash."""
    return {"row": row}


@register.inclusion_tag("components/thumb.html")
def thumb(item: Thumb) -> dict[str, Thumb]:
    """One square of a dataset grid."""
    return {"thumb": item}


@register.inclusion_tag("components/tag_row.html")
def tag_row(row: TagRow) -> dict[str, TagRow]:
    """One tag of the list, its bar showing the share of images."""
    return {"row": row}


@register.inclusion_tag("components/load_more.html")
def load_more(next_url: str, *, target: str = "closest .more") -> dict[str, str]:
    """Last item of a `data-infinite` list: five pages come by themselves, then it is a button.

    The answer (more items, and again this one) takes the place of `target`.
    """
    return {"next_url": next_url, "target": target}


@register.simple_block_tag
def panel(content: str, title: str = "", level: int = 2, **extra: Any) -> SafeString:
    """A panel with a heading; for actions in the head write the markup out."""
    head = format_html('<div class="head"><h{0}>{1}</h{0}></div>', level, title) if title else ""
    extra.setdefault("class", "panel")
    return format_html(
        '<section{}>{}<div class="body">{}</div></section>', attributes(extra), head, content
    )


@register.simple_block_tag
def note(content: str, kind: str = "", symbol: str = "", **extra: Any) -> SafeString:
    """One remark in a box: plain, warn, danger or ok."""
    extra.setdefault("class", f"note {kind}".strip())
    return format_html(
        "<div{}>{}<div>{}</div></div>", attributes(extra), icon(symbol or NOTE_ICONS[kind]), content
    )


@register.simple_block_tag
def empty(content: str, title: str, symbol: str = "inbox", level: int = 2) -> SafeString:
    """What stands where nothing is yet: a title, a sentence, the way out."""
    return format_html(
        '<div class="empty">{}<h{}>{}</h{}>{}</div>', icon(symbol), level, title, level, content
    )


@register.simple_block_tag
def dialog(content: str, id: str, title: str, kind: str = "dialog") -> SafeString:
    """A native dialog (`kind` dialog, "dialog wide" or sheet); opened by `data-open="id"`."""
    by_itself = {"command": "close", "commandfor": id}
    close = button(_("Close"), "quiet sm", symbol="x", only_icon=True, data_close="", **by_itself)
    return format_html(
        '<dialog class="{0}" id="{1}" aria-labelledby="{1}-title"><div class="head">'
        '<h2 id="{1}-title">{2}</h2>{3}</div>{4}</dialog>',
        kind,
        id,
        title,
        close,
        content,
    )


@register.simple_block_tag
def menu(content: str, id: str, label: str) -> SafeString:
    """A popover menu; its opener is a button with `popovertarget="id"`."""
    return format_html(
        '<div class="menu" id="{}" popover role="group" aria-label="{}">{}</div>',
        id,
        label,
        content,
    )
