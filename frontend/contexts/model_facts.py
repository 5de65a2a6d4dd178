"""Details of a version: settings, size, and where it comes from."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from frontend.templatetags.words import decimal
from models_registry.models.base_model import BaseModelType
from models_registry.models.model import CommercialUse, Model
from models_registry.models.version import ModelVersion
from models_registry.permissions import is_in_early_access


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of the details list."""

    label: str
    value: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """Something that the author allows or forbids."""

    label: str
    is_allowed: bool


def facts_of(version: ModelVersion) -> Iterable[Fact]:
    """Rows of the details list; what is not known has none."""
    yield Fact(_("Type"), version.model.get_type_display())
    if version.base_model:
        yield Fact(_("Base model"), version.base_model.name, version.base_model.licence_url)
    if version.base_model_type != BaseModelType.STANDARD:
        yield Fact(_("Variant of the base"), version.get_base_model_type_display())
    for label, value in (
        (_("Network dim"), version.network_dim),
        (_("Network alpha"), decimal(version.network_alpha) if version.network_alpha else None),
        (_("Clip skip"), version.clip_skip),
        (_("Sampler"), version.sampler),
        (_("Steps"), version.steps),
        (_("CFG scale"), _cfg(version)),
        (_("Epochs"), version.epochs),
        (_("Training steps"), version.training_steps),
    ):
        if value:
            yield Fact(label, str(value))
    if version.width and version.height:
        yield Fact(_("Size"), f"{version.width} × {version.height}")
    yield from _access(version)
    yield from _provenance(version)


def terms_of(model: Model) -> list[Term]:
    """What the author allows, switch by switch."""
    switches = [
        (_("Use without naming the author"), model.allow_no_credit),
        (_("Share merges of it"), model.allow_derivatives),
        (_("Give merges other terms"), model.allow_different_license),
    ]
    sold = [(str(use.label), use.value in model.allow_commercial_use) for use in CommercialUse]
    return [Term(label, is_allowed) for label, is_allowed in (*switches, *sold)]


def _access(version: ModelVersion) -> Iterable[Fact]:
    """What stands between a reader and the files."""
    if version.requires_sign_in:
        yield Fact(pgettext("who may download", "Download"), _("Only people who are signed in"))
    until = version.early_access_until
    if until is not None and is_in_early_access(version):
        yield Fact(_("Open to everyone from"), date_format(until, "SHORT_DATETIME_FORMAT"))


def _provenance(version: ModelVersion) -> Iterable[Fact]:
    if version.job_uuid:
        yield Fact(_("Training run"), _("See how it was trained"), run_url(version))
    if version.snapshot_hash:
        yield Fact(_("Dataset snapshot"), version.snapshot_hash[:12])
    base = version.base_version
    if base:
        yield Fact(_("Trained on"), base.model.name, reverse("model", args=[base.model.slug]))
    if version.base_model and version.base_model.licence_name:
        licence = version.base_model
        yield Fact(_("Base licence"), licence.licence_name, licence.licence_url)


def _cfg(version: ModelVersion) -> str:
    """The recommended scale and the range in which it works: "7 (5–9)"."""
    low, best, high = (
        decimal(value) if value is not None else ""
        for value in (version.cfg_min, version.cfg_scale, version.cfg_max)
    )
    band = f"{low}–{high}" if low or high else ""
    return f"{best} ({band})" if best and band else best or band


def run_url(version: ModelVersion) -> str:
    """Address of the run that made the version, "" while training is not installed."""
    try:
        return reverse("run_by_id", args=[version.job_uuid])
    except NoReverseMatch:
        return ""
