"""The training wizard's page: what can be chosen, what is chosen, and what it would take."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from frontend.contexts.preset_words import preset_sentence, preset_title
from frontend.contexts.train import TINY, Draft, presets_of, settings_form
from frontend.contexts.train_draft import address_of
from frontend.contexts.train_summary import Summary, summary_of
from frontend.forms.train import SettingsForm
from hub.accounts.models import Team, User
from hub.storage.pictures import picture_url
from models_registry.models.version import ModelVersion
from models_registry.queries import base_versions
from training.base_models.tiny.location import known_subjects
from training.datasets.models.dataset import Dataset
from training.datasets.queries import covers_of, datasets_of
from training.jobs.models.job import Method
from training.jobs.services.prompt_files import Wisher
from training.jobs.services.submit import TRAINABLE_FAMILIES

THUMB_WIDTH = 96


@dataclass(frozen=True, slots=True)
class Option:
    """One card of a choice; with a `symbol` it shows pictures, or that where there are none."""

    value: str
    title: str
    detail: str
    is_chosen: bool
    pictures: tuple[str, ...] = ()
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class WizardContext:
    """`/train/`."""

    draft: Draft
    datasets: list[Option]
    bases: list[Option]
    methods: list[Option]
    presets: list[Option]
    form: SettingsForm | None
    summary: Summary | None
    known: Any
    new_dataset_url: str
    shown: dict[str, str]
    address: str
    saved_at: datetime | None = None
    has_moved_on: bool = False


def wizard_context(
    viewer: User,
    team: Team,
    draft: Draft,
    *,
    form: SettingsForm | None = None,
    changes: Mapping[str, str] | None = None,
) -> WizardContext:
    """All choices with the chosen ones marked, the form (a fresh one if none was sent), the sum.

    `changes` are what was typed over the settings that the choices bring.
    """
    changes = changes or {}
    if form is None and draft.dataset and draft.base:
        form = settings_form(draft, changes=changes)
    return WizardContext(
        draft=draft,
        address=address_of(draft),
        datasets=_dataset_options(viewer, team, draft.dataset),
        bases=_base_options(viewer, draft.base),
        methods=[
            Option(value, str(label), method_detail(value), value == draft.method)
            for value, label in Method.choices
        ],
        presets=[
            Option(row.id, preset_title(row), preset_sentence(row), row == draft.preset)
            for row in presets_of(draft.method, draft.family, draft.dataset)
        ],
        form=form,
        summary=summary_of(draft, form, Wisher(viewer, team, draft.family), changes)
        if form
        else None,
        known=known_subjects() if draft.family == TINY else None,
        new_dataset_url=reverse("dataset_new"),
        shown={
            "dataset": draft.dataset.slug if draft.dataset else "",
            "base": str(draft.base.pk) if draft.base else "",
            "method": draft.method,
            "preset": draft.preset.id if draft.preset else "",
        },
    )


def _dataset_options(viewer: User, team: Team, chosen: Dataset | None) -> list[Option]:
    rows = list(datasets_of(viewer, team=team).filter(item_count__gt=0))
    covers = covers_of(rows)
    return [
        Option(
            row.slug,
            row.name,
            _dataset_detail(row),
            row == chosen,
            tuple(picture_url(item.blob, THUMB_WIDTH) for item in covers[row.pk]),
            "images",
        )
        for row in rows
    ]


def _base_options(viewer: User, chosen: ModelVersion | None) -> list[Option]:
    rows = base_versions(viewer=viewer, families=TRAINABLE_FAMILIES)
    return [
        Option(
            str(row.pk),
            row.model.name,
            _base_detail(row),
            row == chosen,
            tuple(
                picture_url(cover.blob, THUMB_WIDTH, public=row.model.shows_everyone(row))
                for cover in sorted(row.covers.all(), key=lambda cover: cover.position)[:1]
            ),
            "box",
        )
        for row in rows.prefetch_related("covers__blob")
    ]


def method_detail(method: str) -> str:
    """What a method is for, in one sentence."""
    return {
        Method.LORA: _("Small file on top of the base; right for most things."),
        Method.DREAMBOOTH: _("A whole checkpoint that knows one subject."),
        Method.TEXTUAL_INVERSION: _("A new word; the model stays as it is."),
        Method.HYPERNETWORK: _("Small network beside the attention, for A1111."),
    }[Method(method)]


def _dataset_detail(dataset: Dataset) -> str:
    parts = [_("%(n)d images") % {"n": dataset.item_count}, str(dataset.get_kind_display())]
    return " · ".join([*parts, dataset.trigger_word] if dataset.trigger_word else parts)


def _base_detail(version: ModelVersion) -> str:
    base = version.base_model
    return " · ".join(filter(None, [base.name if base else "", version.name]))
