"""The wizard's draft: which choices, and what was typed over the settings that they bring.

Settings follow the choices (a preset brings its own epochs), so a draft keeps only what a person
changed. The page says in hidden `shown_…` fields for which choices its settings were made; what
differs from those is a change, and it moves on to the next choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from frontend.contexts.train import Draft, initial_settings, read_draft
from frontend.forms.train import SettingsForm
from hub.accounts.drafts import draft_of
from hub.accounts.models import Team, User

CHOICES = ("dataset", "base", "method", "preset")
PREFIX = "set_"


@dataclass(frozen=True, slots=True)
class Restored:
    """Where the wizard starts: its choices, what was typed, and when (None: nothing kept)."""

    draft: Draft
    changes: dict[str, str]
    saved_at: datetime | None = None


def draft_key(team: Team) -> str:
    """Name of the wizard's draft; each team has its own datasets, so its own draft."""
    return f"train:{team.pk}"


def open_draft(viewer: User, team: Team, given: Mapping[str, str]) -> Restored:
    """The kept draft, unless the address asks for something else.

    An address that the wizard has shown before, of the same dataset and base, is a step back: what
    was typed since is kept, as far as the method has such a setting.
    """
    stored = draft_of(viewer, draft_key(team))
    asked = {name: given[name] for name in (*CHOICES, "again") if name in given}
    if stored is None:
        return Restored(read_draft(viewer, team, given), {})
    changes = _changes_in(stored.data)
    if asked.items() <= stored.data.items():
        return Restored(read_draft(viewer, team, stored.data), changes, stored.saved_at)
    draft = read_draft(viewer, team, given)
    if not (asked.keys() >= set(CHOICES) and _is_about(stored.data, asked)):
        return Restored(draft, {})
    return Restored(draft, without_usual(draft, changes), stored.saved_at)


def set_aside(viewer: User, team: Team, shown: Draft) -> dict[str, str]:
    """What was typed before into settings that the shown method has not."""
    stored = draft_of(viewer, draft_key(team))
    if stored is None or not _is_about(stored.data, choices_of(shown)):
        return {}
    fields = SettingsForm(method=shown.method).fields
    return {name: text for name, text in _changes_in(stored.data).items() if name not in fields}


def _changes_in(data: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(PREFIX): value for name, value in data.items() if name.startswith(PREFIX)
    }


def _is_about(data: Mapping[str, str], choices: Mapping[str, str]) -> bool:
    """Whether a draft is of the same dataset and base."""
    return all(data.get(name) == choices.get(name) for name in ("dataset", "base"))


def choices_of(draft: Draft) -> dict[str, str]:
    """The choices as the address carries them."""
    found = {
        "dataset": draft.dataset.slug if draft.dataset else "",
        "base": str(draft.base.pk) if draft.base else "",
        "method": draft.method,
        "preset": draft.preset.id if draft.preset else "",
        "again": str(draft.again.number) if draft.again else "",
    }
    return {name: value for name, value in found.items() if value}


def shown_choices(posted: Mapping[str, str]) -> dict[str, str]:
    """The choices for which the settings in the form were made."""
    found = {name: posted.get(f"shown_{name}", "") for name in CHOICES}
    return {**found, "again": posted.get("again", "")}


def has_moved_on(posted: Mapping[str, str]) -> bool:
    """Whether a choice was made after the settings in the form were shown."""
    shown = shown_choices(posted)
    return any(shown[name] and posted.get(name, "") != shown[name] for name in CHOICES)


def wanted_choices(posted: Mapping[str, str]) -> dict[str, str]:
    """The choices to go on with; another method or preset ends "the settings of run n"."""
    wanted = {name: posted.get(name, "") for name in (*CHOICES, "again")}
    shown = shown_choices(posted)
    if any(wanted[name] != shown[name] for name in ("method", "preset") if shown[name]):
        wanted["again"] = ""
    return wanted


def typed_changes(shown: Draft, posted: Mapping[str, str]) -> dict[str, str]:
    """Fields whose value differs from what the page showed for its choices."""
    before = initial_settings(shown)
    fields = SettingsForm(method=shown.method).fields
    return {
        name: posted[name]
        for name in fields
        if name in posted and _plain(posted[name]) != _plain(before.get(name))
    }


def without_usual(draft: Draft, changes: Mapping[str, str]) -> dict[str, str]:
    """The changes that still are some: another preset may say the same by itself."""
    usual = initial_settings(draft)
    return {
        name: value for name, value in changes.items() if _plain(value) != _plain(usual.get(name))
    }


def draft_data(draft: Draft, changes: Mapping[str, str]) -> dict[str, str]:
    """What is kept of a draft."""
    return choices_of(draft) | {f"{PREFIX}{name}": value for name, value in changes.items()}


def address_of(draft: Draft) -> str:
    """The wizard with these choices."""
    return f"{reverse('train')}?{urlencode(choices_of(draft))}"


def _plain(value: Any) -> str:
    return "" if value is None else str(value).replace("\r\n", "\n").strip()
