"""Changes to models and versions that exist; None leaves a field as it is."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from hub.accounts.models import Team, User
from hub.accounts.queries import works_in
from hub.core import audit
from hub.core.errors import Conflict, NotAllowed
from models_registry.models.base_model import BaseModel, BaseModelType
from models_registry.models.cover import VersionCover
from models_registry.models.model import Model, ModelType, Status, Subject
from models_registry.models.version import ModelVersion
from models_registry.permissions import can_edit_model, can_edit_version, can_give_model
from models_registry.services.cards import card_edit
from models_registry.services.columns import (
    check_choice,
    check_length,
    check_nsfw_level,
    check_visibility,
    checkpoint_type_columns,
    find_base_model,
    known_licence,
    licence_columns,
    usage_columns,
)
from models_registry.services.counters import refresh_facts
from models_registry.services.drafts import set_tags
from models_registry.services.names import clean_name
from models_registry.services.search import refresh_search
from models_registry.services.values import Licence, TrainingFacts, Usage, Weight, as_weight


def update_model(
    *,
    actor: User,
    model: Model,
    name: str | None = None,
    description: str | None = None,
    type: str | None = None,
    checkpoint_type: str | None = None,
    subject: str | None = None,
    visibility: str | None = None,
    nsfw_level: int | None = None,
    tags: Iterable[str] | None = None,
    licence: Licence | None = None,
    licence_name: str | None = None,
    team: Team | None = None,
) -> Model:
    """Change the card of a model; its address stays. The type is fixed once it was published.

    `team` gives the model to a team in which its owner works.
    """
    if not can_edit_model(actor, model):
        raise NotAllowed(_("Only the people of this model can change it."))
    changes: dict[str, object] = {} if licence is None else licence_columns(licence)
    if name is not None:
        changes["name"] = clean_name(name)
    if description is not None:
        changes["description"] = check_length(description)
    changes |= _given_to(actor, model, team)
    home = team or model.team
    changes |= _chosen(home, subject=subject, visibility=visibility, licence=licence_name)
    if type is not None and type != model.type:
        changes["type"] = _new_type(model, type)
    changes |= checkpoint_type_columns(str(changes.get("type", model.type)), checkpoint_type)
    if nsfw_level is not None:
        changes["nsfw_level"] = check_nsfw_level(nsfw_level)
    with card_edit(actor=actor, model_id=model.pk):
        _write(model, changes)
        if nsfw_level is not None:
            _write_levels(model)
        if tags is not None:
            set_tags(actor=actor, model=model, tags=tags)
        refresh_search(model_id=model.pk)
        audit.record(
            actor=actor, action="model.update", target=model, detail={"fields": sorted(changes)}
        )
    return model


def update_version(
    *,
    actor: User,
    version: ModelVersion,
    name: str | None = None,
    base_model: BaseModel | str | None = None,
    description: str | None = None,
    changelog: str | None = None,
    weight: Weight | Decimal | float | None = None,
    usage: Usage | None = None,
    training: TrainingFacts | None = None,
    base_model_type: str | None = None,
    requires_sign_in: bool | None = None,
    early_access_until: datetime | None = None,
) -> ModelVersion:
    """Change what is said about a version."""
    if not can_edit_version(actor, version):
        raise NotAllowed(_("Only the people of this model can change its versions."))
    changes: dict[str, object] = {} if usage is None else usage_columns(usage)
    changes |= _variant(training, base_model_type)
    if name is not None:
        changes["name"] = clean_name(name, limit=80)
    if base_model is not None:
        changes["base_model"] = find_base_model(base_model)
    if weight is not None:
        changes |= _weight_columns(as_weight(weight))
    texts = {"description": description, "changelog": changelog}
    changes |= {column: check_length(text) for column, text in texts.items() if text is not None}
    plain = {"requires_sign_in": requires_sign_in, "early_access_until": early_access_until}
    changes |= {column: value for column, value in plain.items() if value is not None}
    with card_edit(actor=actor, model_id=version.model_id):
        _write(version, changes)
        if "base_model" in changes:
            refresh_facts(model_id=version.model_id)
        refresh_search(model_id=version.model_id)
        audit.record(
            actor=actor,
            action="version.update",
            target=version,
            detail={"fields": sorted(changes)},
        )
    return version


def _variant(training: TrainingFacts | None, base_model_type: str | None) -> dict[str, object]:
    """Columns of how it was trained, and of which variant of the base it is."""
    columns: dict[str, object] = {} if training is None else asdict(training)
    if base_model_type is not None:
        check_choice(base_model_type, BaseModelType.values)
        columns["base_model_type"] = base_model_type
    return columns


def _given_to(actor: User, model: Model, team: Team | None) -> dict[str, object]:
    """The column of another team; only the owner, and administrators, give a model away."""
    if team is None or team == model.team:
        return {}
    if not can_give_model(actor, model):
        raise NotAllowed(_("Only the owner of a model can give it to another team."))
    if not (works_in(actor, team) or actor.is_superuser):
        raise NotAllowed(_("Only members of %s can add models to it.") % team.name)
    return {"team": team}


def _chosen(
    team: Team | None, *, subject: str | None, visibility: str | None, licence: str | None
) -> dict[str, object]:
    """Columns of what is picked from a list; raises Invalid for anything else."""
    if subject is not None:
        check_choice(subject, ["", *Subject.values])
    if visibility is not None:
        check_visibility(visibility, team)
    if licence is not None:
        known_licence(licence)
    picked = {"subject": subject, "visibility": visibility, "licence": licence}
    return {column: value for column, value in picked.items() if value is not None}


def _write_levels(model: Model) -> None:
    """Versions and their pictures have the level of the model."""
    model.versions.update(nsfw_level=model.nsfw_level)
    VersionCover.objects.filter(version__model=model).update(nsfw_level=model.nsfw_level)


def _new_type(model: Model, type: str) -> str:
    check_choice(type, ModelType.values)
    if model.status != Status.DRAFT:
        raise Conflict(_("The type of a model is fixed once it was published."), code="type_fixed")
    return type


def _weight_columns(band: Weight) -> dict[str, object]:
    return {
        "weight_default": band.default,
        "weight_min": band.minimum,
        "weight_max": band.maximum,
    }


def _write(row: Model | ModelVersion, changes: dict[str, object]) -> None:
    for column, value in changes.items():
        setattr(row, column, value)
    row.save(update_fields=[*changes, "updated_at"])
