"""Making versions public and taking them back; each step is a conditional UPDATE of one row."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Conflict, NotAllowed
from models_registry.errors import NotReady
from models_registry.models.file import FileKind, ModelFile, ScanStatus
from models_registry.models.model import KNOWN_STATES, PUBLIC_STATES, Model, ModelType, Status
from models_registry.models.version import ModelVersion
from models_registry.permissions import can_edit_model, can_edit_version
from models_registry.services.counters import refresh_facts
from models_registry.services.search import refresh_search
from models_registry.signals import version_published

WORD_TYPES = frozenset({ModelType.LORA, ModelType.LOCON, ModelType.DORA})
LYCORIS_KINDS = {"LoHa": ModelType.LOCON.value, "LoKr": ModelType.LOCON.value}
AUXILIARY_KINDS = frozenset({FileKind.TRAINING_DATA, FileKind.CONFIG, FileKind.ARCHIVE})


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing to do before publishing: a stable code, a sentence, and the part of the page."""

    code: str
    message: str
    part: str


def missing_for_publish(version: ModelVersion) -> list[Missing]:
    """What keeps a version from being published; empty when it may go out."""
    return list(_missing(version))


def advice_for_publish(version: ModelVersion) -> list[Missing]:
    """What people will miss on the page, though it may be published without."""
    advice = []
    if not version.covers.exists():
        advice.append(Missing("cover", _("Add a picture made with it."), "covers"))
    if version.model.type in WORD_TYPES and not version.trigger_word_sets.exists():
        advice.append(Missing("trigger_words", _("Say which words call it up."), "words"))
    if not version.description and not version.model.description:
        advice.append(Missing("description", _("Say what it is good for."), "words"))
    other = _kind_in_file(version)
    if other:
        message = _("The file looks like another type of model: %s.") % ModelType(other).label
        advice.append(Missing("type_differs", message, "files"))
    return advice


def publish_version(*, actor: User, version: ModelVersion) -> ModelVersion:
    """Show a version, and its model with it, to whom the model's visibility says.

    Publishing what is public already changes nothing. Raises NotReady with what is missing.
    """
    if not can_edit_version(actor, version):
        raise NotAllowed(_("Only the people of this model can publish its versions."))
    with transaction.atomic():
        model = Model.objects.select_for_update().get(pk=version.model_id)
        if model.status == Status.ARCHIVED:
            raise Conflict(_("This model is archived. Restore it first."), code="archived")
        version.refresh_from_db()
        if version.status == Status.PUBLISHED:
            return version
        missing = missing_for_publish(version)
        if missing:
            sentences = " ".join(item.message for item in missing)
            raise NotReady(sentences, missing=tuple(item.code for item in missing))
        _show(version)
        audit.record(actor=actor, action="version.publish", target=version)
        refresh_facts(model_id=model.pk)
        refresh_search(model_id=model.pk)
        announce = partial(version_published.send, sender=ModelVersion, version_id=version.pk)
        transaction.on_commit(announce)
    version.refresh_from_db()
    return version


def unpublish_version(*, actor: User, version: ModelVersion) -> ModelVersion:
    """Take a version back; a model without a public version is taken back with it."""
    if not can_edit_model(actor, version.model):
        raise NotAllowed(_("Only the people of this model can take its versions back."))
    with transaction.atomic():
        Model.objects.select_for_update().get(pk=version.model_id)
        changed = ModelVersion.objects.filter(pk=version.pk, status=Status.PUBLISHED).update(
            status=Status.UNPUBLISHED, updated_at=timezone.now()
        )
        if not changed:
            raise Conflict(_("This version is not published."), code="not_published")
        if not ModelVersion.objects.filter(
            model_id=version.model_id, status__in=PUBLIC_STATES
        ).exists():
            Model.objects.filter(pk=version.model_id).update(status=Status.UNPUBLISHED)
        audit.record(actor=actor, action="version.unpublish", target=version)
        refresh_facts(model_id=version.model_id)
        refresh_search(model_id=version.model_id)
    version.refresh_from_db()
    return version


def archive_model(*, actor: User, model: Model) -> Model:
    """Keep the card, the hashes and the words; hand out no files any more."""
    return _move(actor, model, Status.PUBLISHED, Status.ARCHIVED, "model.archive")


def restore_model(*, actor: User, model: Model) -> Model:
    """Hand out the files of an archived model again."""
    return _move(actor, model, Status.ARCHIVED, Status.PUBLISHED, "model.restore")


def _kind_in_file(version: ModelVersion) -> str:
    """What the primary file's tensors look like, when that is not the type the author chose."""
    file = version.files.filter(is_primary=True).first()
    seen = file.scan_report.get("looks_like", "") if file is not None else ""
    kind = LYCORIS_KINDS.get(seen, seen)
    known = kind in ModelType.values and kind != ModelType.OTHER
    return kind if known and kind != version.model.type else ""


def _missing(version: ModelVersion) -> Iterator[Missing]:
    if version.base_model_id is None:
        yield Missing("base_model", _("Choose the base model."), "words")
    files = list(version.files.exclude(kind__in=AUXILIARY_KINDS).order_by("-is_primary", "pk"))
    if not files:
        yield Missing("file", _("Add the model file."), "files")
        return
    yield from filter(None, (_problem_of(file) for file in files))


def _problem_of(file: ModelFile) -> Missing | None:
    name = {"name": file.name}
    if file.scan_status == ScanStatus.PENDING:
        return Missing("file_pending", _("%(name)s is still being checked.") % name, "files")
    if file.scan_status == ScanStatus.DANGER:
        return Missing(
            "file_danger",
            _("%(name)s would run code when it is loaded. Remove it.") % name,
            "files",
        )
    if file.scan_status == ScanStatus.ERROR:
        return Missing(
            "file_error",
            _("%(name)s was not cleared. Replace it by a safetensors file.") % name,
            "files",
        )
    return None


def _show(version: ModelVersion) -> None:
    now = timezone.now()
    since = Coalesce(F("published_at"), Value(now))
    changed = (
        ModelVersion.objects.filter(pk=version.pk)
        .exclude(status__in=KNOWN_STATES)
        .update(status=Status.PUBLISHED, published_at=since, updated_at=now)
    )
    if changed != 1:
        raise Conflict(_("This version was changed meanwhile. Reload the page."), code="stale")
    Model.objects.filter(pk=version.model_id).update(
        status=Status.PUBLISHED, published_at=since, updated_at=now
    )


def _move(actor: User, model: Model, before: Status, after: Status, action: str) -> Model:
    if not can_edit_model(actor, model):
        raise NotAllowed(_("Only the people of this model can do this."))
    with transaction.atomic():
        changed = Model.objects.filter(pk=model.pk, status=before).update(
            status=after, updated_at=timezone.now()
        )
        if changed != 1:
            raise Conflict(
                _("The model is not %s any more. Reload the page.") % before.label, code="stale"
            )
        ModelVersion.objects.filter(model_id=model.pk, status=before).update(status=after)
        audit.record(actor=actor, action=action, target=model)
    model.refresh_from_db()
    return model
