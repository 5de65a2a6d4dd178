"""From the model forms to the registry's services and back."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from django.db import transaction

from frontend.forms.models import ModelForm, SentFile
from hub.accounts.models import User
from hub.storage.uploads import find_upload
from models_registry.known_files import blob_at_hand
from models_registry.models.version import ModelVersion
from models_registry.services.cards import card_edit
from models_registry.services.drafts import create_model, create_version, set_trigger_words
from models_registry.services.edits import update_model, update_version
from models_registry.services.files import add_file
from models_registry.services.values import Weight


def start_models(actor: User, data: dict[str, Any]) -> list[ModelVersion]:
    """A draft model with one version and the files that were sent, or a model of each."""
    sent: Sequence[SentFile] = data["upload"]
    with transaction.atomic():
        if not (data["separate"] and len(sent) > 1):
            return [_start(actor, data, sent)]
        return [
            _start(actor, data | {"name": _title(actor, file) or data["name"]}, [file])
            for file in sent
        ]


def _title(actor: User, file: SentFile) -> str:
    """The file's name as a title."""
    name = file.name
    if file.upload_id is not None:
        name = find_upload(actor=actor, upload_id=file.upload_id).filename
    return PurePath(name).stem.replace("_", " ")[:120]


def _start(actor: User, data: dict[str, Any], sent: Sequence[SentFile]) -> ModelVersion:
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
    for at, file in enumerate(sent):
        blob = blob_at_hand(viewer=actor, sha256=file.sha256) if file.sha256 else None
        add_file(
            actor=actor,
            version=version,
            blob=blob,
            upload_id=file.upload_id,
            name=file.name,
            is_primary=at == 0,
        )
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
