"""What services take: frozen values that travel between areas."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from hub.core.errors import Invalid
from models_registry.models.model import CommercialUse
from models_registry.models.version import ModelVersion

WEIGHT_LIMIT = Decimal(10)


@dataclass(frozen=True, slots=True)
class Licence:
    """The four switches of the community; `commercial_use` is a set, empty means nothing."""

    allow_no_credit: bool = True
    allow_derivatives: bool = True
    allow_different_license: bool = True
    commercial_use: tuple[str, ...] = (CommercialUse.SELL.value,)


@dataclass(frozen=True, slots=True)
class Weight:
    """Recommended multiplier and the band in which it works; all optional."""

    default: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Settings a version was made for; sizes in pixels.

    `cfg_note` says what a lower or higher CFG changes; the advice is on how a prompt is built.
    """

    clip_skip: int | None = None
    sampler: str = ""
    steps: int | None = None
    cfg_scale: Decimal | float | None = None
    cfg_min: Decimal | float | None = None
    cfg_max: Decimal | float | None = None
    cfg_note: str = ""
    width: int | None = None
    height: int | None = None
    tips: str = ""
    prompt_advice: str = ""
    negative_advice: str = ""

    @classmethod
    def of(cls, version: ModelVersion) -> "Usage":
        """What a version says now, so that a change of one setting keeps the others."""
        same: dict[str, Any] = {
            field.name: getattr(version, field.name)
            for field in fields(cls)
            if field.name != "tips"
        }
        return cls(**same, tips=version.usage_tips)


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """How a version was trained, also elsewhere; `network_dim` is the rank of an adapter."""

    network_dim: int | None = None
    network_alpha: float | None = None
    epochs: int | None = None
    training_steps: int | None = None

    @classmethod
    def of(cls, version: ModelVersion) -> "TrainingFacts":
        """What a version says now."""
        return cls(**{field.name: getattr(version, field.name) for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a version trained here comes from: run, snapshot, base, engine and the exact config."""

    job_uuid: UUID | None = None
    dataset_snapshot_uuid: UUID | None = None
    snapshot_hash: str = ""
    base_version: ModelVersion | None = None
    base_model_sha256: str = ""
    engine_version: str = ""
    training_config: Mapping[str, Any] | None = None
    network_dim: int | None = None
    network_alpha: float | None = None
    epochs: int | None = None
    training_steps: int | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """An example prompt with the settings it was meant for; size in pixels."""

    prompt: str
    negative: str = ""
    note: str = ""
    sampler: str = ""
    steps: int | None = None
    cfg_scale: Decimal | float | None = None
    weight: Decimal | float | None = None
    seed: int | None = None
    clip_skip: int | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that goes well with a version: a version here, or a name known elsewhere."""

    kind: str
    name: str = ""
    version: ModelVersion | None = None
    weight: Decimal | float | None = None


@dataclass(frozen=True, slots=True)
class WordSet:
    """Trigger words used together."""

    words: tuple[str, ...]
    name: str = ""


def as_decimal(value: Decimal | float | str | None, *, digits: int) -> Decimal | None:
    """A number with `digits` decimals; raises Invalid for anything that is not a finite number."""
    if value is None:
        return None
    try:
        number = Decimal(str(value)).quantize(Decimal(1).scaleb(-digits))
    except InvalidOperation as error:
        raise Invalid(_("%r is not a number.") % value, code="number_invalid") from error
    return number


def as_weight(value: Weight | Decimal | float | None) -> Weight:
    """A weight from a single number or a band, checked: minimum ≤ default ≤ maximum, within ±10."""
    given = value if isinstance(value, Weight) else Weight(default=as_decimal(value, digits=2))
    weight = Weight(
        default=as_decimal(given.default, digits=2),
        minimum=as_decimal(given.minimum, digits=2),
        maximum=as_decimal(given.maximum, digits=2),
    )
    known = [n for n in (weight.minimum, weight.default, weight.maximum) if n is not None]
    if known != sorted(known) or any(abs(number) > WEIGHT_LIMIT for number in known):
        raise Invalid(
            _("The weights must be in order, minimum, default, maximum, between -10 and 10."),
            code="weight_invalid",
        )
    return weight
