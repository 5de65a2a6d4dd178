"""From the model forms to the registry's services and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from django.db import transaction

from frontend.forms.model_card import CardForm, VersionForm
from frontend.forms.models import NewVersionForm
from frontend.forms.sent_files import SentFile
from frontend.forms.version_rows import examples, resources, word_sets
from hub.accounts.models import User
from hub.storage.uploads import find_upload
from models_registry.card_history import newest_revision
from models_registry.known_files import blob_at_hand
from models_registry.models.file import FileKind
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion
from models_registry.permissions import can_edit_model
from models_registry.services.cards import card_edit, require_as_seen
from models_registry.services.drafts import create_model, create_version, set_trigger_words
from models_registry.services.edits import update_model, update_version
from models_registry.services.files import add_file
from models_registry.services.recommendations import set_examples, set_resources
from models_registry.services.values import Weight

MAX_DIGITS = 18


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
    _add_files(actor, version, sent)
    return version


def add_more_files(actor: User, version: ModelVersion, data: dict[str, Any]) -> None:
    """Files beside those that the version has, or none of them; the main one stays."""
    with transaction.atomic():
        _add_files(actor, version, data["upload"], kind=data["kind"], first_is_main=False)


def _add_files(
    actor: User,
    version: ModelVersion,
    sent: Sequence[SentFile],
    *,
    kind: str = FileKind.MODEL,
    first_is_main: bool = True,
) -> None:
    for at, file in enumerate(sent):
        blob = blob_at_hand(viewer=actor, sha256=file.sha256) if file.sha256 else None
        add_file(
            actor=actor,
            version=version,
            blob=blob,
            upload_id=file.upload_id,
            name=file.name,
            kind=kind,
            is_primary=first_is_main and at == 0,
        )


def new_version_form(latest: ModelVersion | None, posted: Any) -> NewVersionForm:
    """The form with what the next version probably shares with the latest one."""
    if latest is None:
        return NewVersionForm(posted, initial={"name": "v1"})
    initial = {
        "name": f"v{latest.index + 1}",
        "base_model": latest.base_model.name if latest.base_model else None,
        "trigger_words": ", ".join(latest.trained_words),
        "weight_min": latest.weight_min,
        "weight": latest.weight_default,
        "weight_max": latest.weight_max,
    }
    return NewVersionForm(posted, initial=initial)


def start_version(actor: User, model: Model, data: dict[str, Any]) -> ModelVersion:
    """A draft of the model's next version, with the files that were sent."""
    with transaction.atomic():
        version = create_version(
            actor=actor,
            model=model,
            name=data["name"],
            base_model=data["base_model"],
            trigger_words=data["trigger_words"],
            weight=_weight(data),
            changelog=data["changelog"],
        )
        _add_files(actor, version, data["upload"])
    return version


@dataclass(frozen=True, slots=True)
class EditForms:
    """Everything that the edit page sends at once: card, version, and the rows of three lists.

    Members of a team fill a common draft, but only managers change the card: `card` None. `seen` is
    the revision of the card that the page was made from.
    """

    card: CardForm | None
    version: VersionForm
    words: Any
    resources: Any
    examples: Any
    seen: int
    is_asking_for_more: bool = False

    @property
    def lists(self) -> tuple[Any, Any, Any]:
        """The three lists of rows."""
        return self.words, self.resources, self.examples

    def is_valid(self) -> bool:
        """Whether it can be saved; every part is looked at, so that all mistakes show at once."""
        if self.is_asking_for_more:
            return False
        parts = (self.card, self.version, *self.lists)
        verdicts = [part.is_valid() for part in parts if part is not None]
        return all(verdicts)

    @property
    def has_errors(self) -> bool:
        """Whether a part was sent and refused."""
        return self.version.is_bound and not self.is_asking_for_more


def edit_forms(actor: User, version: ModelVersion, posted: Any) -> EditForms:
    """The forms with what is saved now, or what was sent."""
    may_change_card = can_edit_model(actor, version.model)
    return EditForms(
        card=CardForm.of(version.model, posted, viewer=actor) if may_change_card else None,
        version=VersionForm.of(version, posted),
        words=word_sets(version, posted),
        resources=resources(version, posted),
        examples=examples(version, posted),
        seen=_seen(version, posted),
        is_asking_for_more=posted is not None and "more" in posted,
    )


def _seen(version: ModelVersion, posted: Any) -> int:
    given = posted.get("seen", "") if posted is not None else ""
    is_number = given.isascii() and given.isdigit() and len(given) <= MAX_DIGITS
    return int(given) if is_number else newest_revision(version.model_id)


def save_edits(actor: User, version: ModelVersion, sent: EditForms) -> None:
    """Write the card, the version and its lists, or nothing; one revision of the card.

    Raises Conflict when somebody else did so after the page was made.
    """
    kept = [[row for row in rows if row.is_kept] for rows in sent.lists]
    words, found, prompts = kept
    with card_edit(actor=actor, model_id=version.model_id):
        require_as_seen(model_id=version.model_id, seen=sent.seen)
        if sent.card is not None:
            update_model(actor=actor, model=version.model, **sent.card.changes())
        update_version(actor=actor, version=version, **sent.version.changes())
        set_trigger_words(actor=actor, version=version, words=[row.value() for row in words])
        set_resources(actor=actor, version=version, resources=[row.value(actor) for row in found])
        set_examples(actor=actor, version=version, examples=[row.value() for row in prompts])


def _weight(data: dict[str, Any]) -> Weight | None:
    band = Weight(default=data["weight"], minimum=data["weight_min"], maximum=data["weight_max"])
    return None if band == Weight() else band
