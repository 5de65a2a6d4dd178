"""From what services take to what rows hold: checks, and columns of the frozen values."""

from collections.abc import Sequence

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from hub.accounts.models import Team
from hub.core.errors import Invalid
from models_registry.models.base_model import BaseModel
from models_registry.models.model import CheckpointType, CommercialUse, ModelType
from models_registry.models.terms import LicenceName, ModelVisibility
from models_registry.services.values import Licence, Provenance, Usage, as_decimal

DESCRIPTION_LIMIT = 100_000
CFG_LIMIT = 100
NSFW_LEVELS = 64


def asked_language() -> str:
    """The language in which somebody asks for work, and hears of its failure; "" for none."""
    return get_language() or ""


def check_choice(value: str, allowed: Sequence[str]) -> None:
    """Raise Invalid, naming what is allowed."""
    if value not in allowed:
        raise Invalid(
            _("%(value)r is not known here. Use one of: %(allowed)s.")
            % {"value": value, "allowed": ", ".join(filter(None, allowed))},
            code="choice_unknown",
        )


def check_visibility(visibility: str, team: Team | None) -> None:
    """Raise Invalid for an unknown visibility, or for a team's without a team."""
    check_choice(visibility, ModelVisibility.values)
    if visibility == ModelVisibility.TEAM and team is None:
        raise Invalid(
            _("Choose a team before you limit a model to its members."), code="team_missing"
        )


def check_length(text: str) -> str:
    """The text itself; raises Invalid beyond the limit, so that nothing is cut silently."""
    limit = getattr(settings, "MODEL_TEXT_MAX_CHARACTERS", DESCRIPTION_LIMIT)
    if len(text) > limit:
        raise Invalid(
            _("This text has %(length)s characters; the limit is %(limit)s.")
            % {"length": len(text), "limit": limit},
            code="text_too_long",
        )
    return text.replace("\x00", "")


def check_nsfw_level(level: int) -> int:
    """A set of rating bits as one number; raises Invalid for anything else."""
    if not 0 <= level < NSFW_LEVELS:
        raise Invalid(
            _("A level of mature content is a number from 0 to %s.") % (NSFW_LEVELS - 1),
            code="level_invalid",
        )
    return level


def licence_columns(licence: Licence) -> dict[str, object]:
    """Columns of the licence switches."""
    for use in licence.commercial_use:
        check_choice(use, CommercialUse.values)
    return {
        "allow_no_credit": licence.allow_no_credit,
        "allow_derivatives": licence.allow_derivatives,
        "allow_different_license": licence.allow_different_license,
        "allow_commercial_use": list(dict.fromkeys(licence.commercial_use)),
    }


def known_licence(name: str) -> str:
    """The SPDX identifier of a written licence, or "" for none; raises Invalid for another."""
    check_choice(name, ["", *LicenceName.values])
    return name


def usage_columns(usage: Usage) -> dict[str, object]:
    """Columns of the recommended settings; raises Invalid for a CFG range that is out of order."""
    return {
        "clip_skip": usage.clip_skip,
        "sampler": usage.sampler[:60],
        "steps": usage.steps,
        "width": usage.width,
        "height": usage.height,
        "usage_tips": check_length(usage.tips),
        "prompt_advice": check_length(usage.prompt_advice),
        "negative_advice": check_length(usage.negative_advice),
        **_cfg_columns(usage),
    }


def _cfg_columns(usage: Usage) -> dict[str, object]:
    low, best, high = (
        as_decimal(value, digits=1) for value in (usage.cfg_min, usage.cfg_scale, usage.cfg_max)
    )
    known = [number for number in (low, best, high) if number is not None]
    if known != sorted(known) or any(not 0 <= number <= CFG_LIMIT for number in known):
        raise Invalid(
            _("CFG must be in order, least, recommended, most, between 0 and %s.") % CFG_LIMIT,
            code="cfg_invalid",
        )
    note = check_length(usage.cfg_note.strip())
    return {"cfg_min": low, "cfg_scale": best, "cfg_max": high, "cfg_note": note}


def provenance_columns(origin: Provenance) -> dict[str, object]:
    """Columns of where a version comes from."""
    config = origin.training_config
    return {
        "job_uuid": origin.job_uuid,
        "dataset_snapshot_uuid": origin.dataset_snapshot_uuid,
        "snapshot_hash": origin.snapshot_hash,
        "base_version": origin.base_version,
        "base_model_sha256": origin.base_model_sha256,
        "engine_version": origin.engine_version,
        "training_config": dict(config) if config is not None else None,
        "network_dim": origin.network_dim,
        "network_alpha": origin.network_alpha,
        "epochs": origin.epochs,
        "training_steps": origin.training_steps,
    }


def checkpoint_type_columns(type: str, wanted: str | None) -> dict[str, str]:
    """Trained or merge, for checkpoints only; a model of another type says nothing."""
    if type != ModelType.CHECKPOINT:
        return {"checkpoint_type": ""}
    if wanted is None:
        return {}
    check_choice(wanted, ["", *CheckpointType.values])
    return {"checkpoint_type": wanted}


def find_base_model(wanted: BaseModel | str | None) -> BaseModel | None:
    """A base model by its name in any case; raises Invalid for one that is not in the table."""
    if wanted is None or isinstance(wanted, BaseModel):
        return wanted
    found = BaseModel.objects.filter(name__iexact=wanted.strip()).first()
    if found is None:
        raise Invalid(_("There is no base model named %r here.") % wanted, code="base_unknown")
    return found
