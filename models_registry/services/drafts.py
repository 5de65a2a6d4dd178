"""The front door of the registry: models and versions begin here, by hand or from a run."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from hub.accounts.models import Team, User
from hub.accounts.queries import works_in
from hub.core import audit
from hub.core.errors import Conflict, NotAllowed
from hub.core.visibility import Visibility
from hub.storage.blobs import open_blob
from hub.storage.models import Blob
from hub.storage.picture_part import only_picture
from hub.storage.pictures import inspect_picture
from models_registry.models.base_model import BaseModel
from models_registry.models.cover import VersionCover
from models_registry.models.model import Model, ModelType, Subject
from models_registry.models.version import ModelVersion
from models_registry.permissions import can_add_version, can_edit_model, can_edit_version
from models_registry.services.cards import card_edit, keep_beginning
from models_registry.services.columns import (
    check_choice,
    check_length,
    check_visibility,
    checkpoint_type_columns,
    find_base_model,
    known_licence,
    licence_columns,
    provenance_columns,
    usage_columns,
)
from models_registry.services.names import clean_name, free_slug
from models_registry.services.search import refresh_search
from models_registry.services.values import (
    Licence,
    Provenance,
    Usage,
    Weight,
    WordSet,
    as_weight,
)
from models_registry.services.words import write_tags, write_words

MAX_COVERS = 20


def create_model(
    *,
    actor: User,
    name: str,
    type: str,
    team: Team | None = None,
    description: str = "",
    visibility: str = Visibility.PUBLIC,
    subject: str = "",
    checkpoint_type: str = "",
    tags: Iterable[str] = (),
    licence: Licence | None = None,
    licence_name: str = "",
    nsfw_level: int = 1,
) -> Model:
    """A draft that its people alone can see; `team` None means it is the actor's own."""
    if team is not None and not (works_in(actor, team) or actor.is_superuser):
        raise NotAllowed(_("Only members of %s can add models to it.") % team.name)
    check_choice(type, ModelType.values)
    check_choice(subject, ["", *Subject.values])
    check_visibility(visibility, team)
    name = clean_name(name)
    with transaction.atomic():
        model = Model.objects.create(
            owner=actor,
            team=team,
            name=name,
            slug=free_slug(name),
            type=type,
            subject=subject,
            description=check_length(description),
            visibility=visibility,
            nsfw_level=nsfw_level,
            licence=known_licence(licence_name),
            **checkpoint_type_columns(type, checkpoint_type),
            **licence_columns(licence or Licence()),
        )
        write_tags(model, tags)
        refresh_search(model_id=model.pk)
        keep_beginning(actor=actor, model_id=model.pk)
        audit.record(actor=actor, action="model.create", target=model)
    return model


def create_version(
    *,
    actor: User,
    model: Model,
    name: str = "",
    base_model: BaseModel | str | None = None,
    trigger_words: Sequence[str | WordSet] = (),
    weight: Weight | Decimal | float | None = None,
    description: str = "",
    changelog: str = "",
    usage: Usage | None = None,
    provenance: Provenance | None = None,
) -> ModelVersion:
    """The next version of a model, as a draft. A version trained here carries its provenance."""
    if not can_add_version(actor, model):
        raise NotAllowed(_("Only the people of this model can add versions to it."))
    band = as_weight(weight)
    with card_edit(actor=actor, model_id=model.pk):
        last = model.versions.aggregate(last=Max("index"))["last"] or 0
        version = ModelVersion.objects.create(
            model=model,
            index=last + 1,
            name=clean_name(name, limit=80) if name else f"v{last + 1}",
            base_model=find_base_model(base_model),
            weight_min=band.minimum,
            weight_default=band.default,
            weight_max=band.maximum,
            description=check_length(description),
            changelog=check_length(changelog),
            nsfw_level=model.nsfw_level,
            **usage_columns(usage or Usage()),
            **provenance_columns(provenance or Provenance()),
        )
        write_words(version, trigger_words)
        refresh_search(model_id=model.pk)
        audit.record(actor=actor, action="version.create", target=version)
    return version


def set_trigger_words(
    *, actor: User, version: ModelVersion, words: Sequence[str | WordSet]
) -> ModelVersion:
    """Replace the trigger words: plain words make one unnamed set, WordSets are kept apart."""
    require_edit(actor, version)
    with card_edit(actor=actor, model_id=version.model_id):
        write_words(version, words)
        refresh_search(model_id=version.model_id)
        audit.record(actor=actor, action="version.set_trigger_words", target=version)
    return version


def set_tags(*, actor: User, model: Model, tags: Iterable[str]) -> Model:
    """Replace the tags of a model."""
    if not can_edit_model(actor, model):
        raise NotAllowed(_("Only the people of this model can change it."))
    with card_edit(actor=actor, model_id=model.pk):
        write_tags(model, tags)
        refresh_search(model_id=model.pk)
        audit.record(actor=actor, action="model.set_tags", target=model)
    return model


def add_cover(
    *, actor: User, version: ModelVersion, blob: Blob, generation_text: str = ""
) -> VersionCover:
    """Append a picture; the same picture twice is the same as once."""
    require_edit(actor, version)
    blob = only_picture(blob)
    present = version.covers.filter(blob=blob).first()
    if present is not None:
        return present
    if version.covers.count() >= MAX_COVERS:
        raise Conflict(
            _("A version has at most %s covers. Remove one first.") % MAX_COVERS,
            code="too_many_covers",
        )
    with open_blob(blob) as picture:
        facts = inspect_picture(picture)
    with transaction.atomic():
        return VersionCover.objects.create(
            version=version,
            blob=blob,
            width=facts.width,
            height=facts.height,
            average_colour=facts.average_colour,
            placeholder=facts.placeholder,
            blurhash=facts.blurhash,
            nsfw_level=version.nsfw_level,
            generation_text=check_length(generation_text),
            position=next_position(version, version.covers.all()),
        )


def lock_model(model_id: int) -> None:
    """Take the model's row first: the order of every service here (model, version, file)."""
    Model.objects.select_for_update(of=("self",)).only("pk").get(pk=model_id)


def require_edit(actor: User, version: ModelVersion) -> None:
    """Raise NotAllowed for whoever may not change this version."""
    if not can_edit_version(actor, version):
        raise NotAllowed(_("Only the people of this model can change its versions."))


def next_position(version: ModelVersion, rows: QuerySet[Any]) -> int:
    """The place after the last one; the lock keeps two from taking the same."""
    ModelVersion.objects.select_for_update().get(pk=version.pk)
    last = rows.aggregate(last=Max("position"))["last"]
    return 0 if last is None else int(last) + 1
