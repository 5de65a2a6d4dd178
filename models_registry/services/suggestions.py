"""Fills what a version leaves empty with what the file's own metadata states; never overwrites."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext as _

from hub.core.errors import Invalid
from hub.formats.errors import FormatError
from hub.formats.model_kind import BaseArchitecture, ModelGuess, ModelKind, guess_model
from hub.formats.model_metadata import ModelMetadata, read_model_metadata
from hub.formats.safetensors_header import LENGTH_BYTES, SafetensorsHeader, parse_header
from models_registry.models.base_model import BaseModel
from models_registry.models.model import Model, Status
from models_registry.models.terms import LicenceName
from models_registry.models.version import ModelVersion
from models_registry.models.words import TriggerWord, TriggerWordSet
from models_registry.scanning.inspection import header_limits
from models_registry.services.counters import refresh_facts
from models_registry.services.names import clean_words
from models_registry.services.search import refresh_search
from models_registry.services.words import write_tags

ARCHITECTURE_NAMES: Mapping[BaseArchitecture, str] = {
    BaseArchitecture.SD1: "SD 1.5",
    BaseArchitecture.SD2: "SD 2.1",
    BaseArchitecture.SDXL: "SDXL 1.0",
}
MAX_CLIP_SKIP = 12
MAX_SIDE = 16_384
MAX_INTEGER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What a header says about a version; None or empty where it says nothing."""

    base_model: str | None = None
    trigger_words: tuple[str, ...] = ()
    columns: Mapping[str, object] = field(default_factory=dict)
    description: str = ""
    licence: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What a header says of a model before its file is here; empty where it says nothing."""

    title: str
    type: str
    base_model: str
    trigger_words: tuple[str, ...]
    tags: tuple[str, ...]
    description: str
    licence: str


def suggest_from_header(header: SafetensorsHeader, guess: ModelGuess) -> Suggestions:
    """What the metadata states, and the base model from the tensors where it is silent."""
    stated = read_model_metadata(header.metadata)
    return Suggestions(
        base_model=stated.base_model or ARCHITECTURE_NAMES.get(guess.architecture),
        trigger_words=tuple(clean_words(stated.suggested_trigger_words())),
        columns=_columns(stated, guess),
        description=stated.description or "",
        licence=_known_licence(stated.license or ""),
        tags=stated.tags,
    )


def facts_of_header(*, header: str, size_bytes: int) -> HeaderFacts:
    """What a header's text says of the model; raises Invalid for one that is not valid."""
    raw = header.encode("utf-8", "surrogatepass")
    data_bytes = size_bytes - len(raw) - LENGTH_BYTES
    try:
        read = parse_header(raw, data_bytes=data_bytes, limits=header_limits())
    except FormatError as error:
        raise Invalid(_(error.problem.message).format(**error.params), code=error.code) from error
    guess, stated = guess_model(read), read_model_metadata(read.metadata)
    found = suggest_from_header(read, guess)
    kind = "LoCon" if guess.kind in {ModelKind.LOHA, ModelKind.LOKR} else guess.kind.value
    return HeaderFacts(
        title=stated.title or "",
        type=kind if kind != ModelKind.UNKNOWN else "",
        base_model=found.base_model or "",
        trigger_words=found.trigger_words,
        tags=found.tags,
        description=found.description,
        licence=found.licence,
    )


def fill_empty_fields(*, version_id: int, suggestions: Suggestions) -> list[str]:
    """Write suggestions into empty fields; returns the names of what was filled.

    Words, tags, licence and the description are filled in drafts only: an author who published
    without them meant it.
    """
    with transaction.atomic():
        # The model's row first: create_version locks in the same order.
        model = Model.objects.select_for_update(of=("self",)).get(versions__pk=version_id)
        version = ModelVersion.objects.select_for_update().get(pk=version_id)
        filled = [
            name
            for name, value in suggestions.columns.items()
            if value is not None and getattr(version, name) is None
        ]
        for name in filled:
            setattr(version, name, suggestions.columns[name])
        filled += _fill_base(version, suggestions)
        is_draft = version.status == Status.DRAFT
        said = suggestions.description
        if is_draft and said and not version.description and said != model.description:
            version.description = suggestions.description
            filled.append("description")
        if filled:
            version.save(update_fields=[*filled, "updated_at"])
        if "base_model" in filled:
            refresh_facts(model_id=model.pk)
        if is_draft and _fill_words(version, suggestions.trigger_words):
            filled.append("trigger_words")
        if model.status == Status.DRAFT:
            filled += _fill_model(model, suggestions)
    return filled


def _fill_base(version: ModelVersion, suggestions: Suggestions) -> list[str]:
    if version.base_model_id is not None or not suggestions.base_model:
        return []
    version.base_model = BaseModel.objects.filter(name=suggestions.base_model).first()
    return ["base_model"] if version.base_model else []


def _fill_model(model: Model, suggestions: Suggestions) -> list[str]:
    filled = []
    if suggestions.licence and not model.licence:
        model.licence = suggestions.licence
        model.save(update_fields=["licence", "updated_at"])
        filled.append("licence")
    if suggestions.tags and not model.model_tags.exists():
        write_tags(model, suggestions.tags)
        refresh_search(model_id=model.pk)
        filled.append("tags")
    return filled


def _known_licence(stated: str) -> str:
    """The licence of our list that a free text names, by its title or its SPDX identifier."""
    wanted = _letters(stated)
    for value, label in LicenceName.choices:
        names = (value, label, value.removeprefix("LicenseRef-"))
        if wanted and wanted in map(_letters, names):
            return str(value)
    return ""


def _letters(text: str) -> str:
    """Lower-case letters, digits and plus signs: OpenRAIL-M and OpenRAIL++-M are two licences."""
    return "".join(c for c in text.lower() if c.isalnum() or c == "+")


def _columns(stated: ModelMetadata, guess: ModelGuess) -> dict[str, object]:
    width, height = stated.resolution or (None, None)
    return {
        "network_dim": _within(stated.network_dim or guess.rank, MAX_INTEGER),
        "network_alpha": stated.network_alpha,
        "clip_skip": _within(stated.clip_skip, MAX_CLIP_SKIP),
        "width": _within(width, MAX_SIDE),
        "height": _within(height, MAX_SIDE),
        "epochs": _within(stated.epochs, MAX_INTEGER),
        "training_steps": _within(stated.steps, MAX_INTEGER),
    }


def _within(value: int | None, maximum: int) -> int | None:
    return value if value is not None and 0 < value <= maximum else None


def _fill_words(version: ModelVersion, words: tuple[str, ...]) -> bool:
    if not words or version.trigger_word_sets.exists():
        return False
    row = TriggerWordSet.objects.create(version=version, position=0)
    TriggerWord.objects.bulk_create(
        TriggerWord(set=row, text=text, position=at) for at, text in enumerate(words)
    )
    refresh_search(model_id=version.model_id)
    return True
