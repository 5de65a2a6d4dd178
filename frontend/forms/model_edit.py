"""From the model forms to the registry's services and back."""

from typing import Any

from django.db import transaction

from frontend.forms.models import ModelForm
from hub.accounts.models import User
from models_registry.models.version import ModelVersion
from models_registry.services.cards import card_edit
from models_registry.services.drafts import create_model, create_version, set_trigger_words
from models_registry.services.edits import update_model, update_version
from models_registry.services.files import add_file
from models_registry.services.values import Weight


def start_model(actor: User, data: dict[str, Any]) -> ModelVersion:
    """A draft model with one version and the file that was sent."""
    with transaction.atomic():
        return _start(actor, data)


def _start(actor: User, data: dict[str, Any]) -> ModelVersion:
    model = create_model(
        actor=actor,
        name=data["name"],
        type=data["type"],
        team=data["team"],
        description=data["description"],
        visibility=data["visibility"],
        subject=data["subject"],
        licence_name=data["licence"],
        tags=data["tags"],
    )
    version = create_version(
        actor=actor,
        model=model,
        base_model=data["base_model"],
        trigger_words=data["trigger_words"],
        weight=_weight(data),
    )
    add_file(actor=actor, version=version, upload_id=data["upload"])
    return version


def version_form(actor: User, version: ModelVersion, data: Any) -> ModelForm:
    """The form with what is saved now."""
    model = version.model
    initial = {
        "name": model.name,
        "type": model.type,
        "base_model": version.base_model.name if version.base_model else None,
        "subject": model.subject,
        "trigger_words": ", ".join(version.trained_words),
        "weight": version.weight_default,
        "weight_min": version.weight_min,
        "weight_max": version.weight_max,
        "tags": ", ".join(tag.name for tag in model.tags.all()),
        "description": model.description,
        "visibility": model.visibility,
        "licence": model.licence,
        "team": model.team_id,
    }
    form = ModelForm(data, viewer=actor, initial=initial)
    del form.fields["team"]  # a model stays with the team it was made in
    if model.published_at is not None:
        del form.fields["type"]
    return form


def save_edits(actor: User, version: ModelVersion, data: dict[str, Any]) -> None:
    """Write the card, the version and its trigger words, or nothing."""
    with card_edit(actor=actor, model_id=version.model_id):
        _save(actor, version, data)


def _save(actor: User, version: ModelVersion, data: dict[str, Any]) -> None:
    update_model(
        actor=actor,
        model=version.model,
        name=data["name"],
        type=data.get("type"),
        description=data["description"],
        subject=data["subject"],
        visibility=data["visibility"],
        licence_name=data["licence"],
        tags=data["tags"],
    )
    update_version(
        actor=actor, version=version, base_model=data["base_model"], weight=_weight(data)
    )
    set_trigger_words(actor=actor, version=version, words=data["trigger_words"])


def _weight(data: dict[str, Any]) -> Weight | None:
    band = Weight(default=data["weight"], minimum=data["weight_min"], maximum=data["weight_max"])
    return None if band == Weight() else band
