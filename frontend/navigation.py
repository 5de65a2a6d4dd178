"""The sections of the hub and what can be created: header, phone navigation and `g` shortcuts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the header; `key` follows `g` on the keyboard."""

    name: str
    url_name: str
    label: StrOrPromise
    icon: str
    key: str = ""

    @property
    def url(self) -> str:
        """Address of the page, or "" while its area is not installed."""
        return _address(self.url_name, get_script_prefix())


@lru_cache(maxsize=64)
def _address(url_name: str, prefix: str) -> str:
    """Every page asks for each of them; kept for the folder that the hub is served in."""
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""


SECTIONS = (
    Entry("models", "models", _("Models"), "box", "m"),
    Entry("images", "images", _("Images"), "images", "i"),
    Entry("datasets", "datasets", _("Datasets"), "tags", "d"),
    Entry("training", "runs", pgettext_lazy("section", "Training"), "activity", "t"),
    Entry("queue", "queue", _("Queue"), "list-ordered", "q"),
)

CREATE = (
    Entry("train", "train", _("Train a model"), "activity"),
    Entry("upload", "upload_model", _("Upload a model"), "upload"),
    Entry("dataset", "dataset_new", _("New dataset"), "tags"),
    Entry("post", "image_new", _("Post images"), "image-plus"),
)

ACCOUNT = (
    Entry("following", "following", _("Following"), "bell"),
    Entry("mentions", "mentions", _("Mentions and answers"), "message-square"),
    Entry("collections", "collections", _("Collections"), "folder"),
    Entry("teams", "teams", _("Teams"), "users"),
    Entry("settings", "settings", pgettext_lazy("preferences", "Settings"), "settings"),
)


def available(entries: tuple[Entry, ...]) -> list[Entry]:
    """The entries whose area is installed."""
    return [entry for entry in entries if entry.url]
