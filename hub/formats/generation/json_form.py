"""Generation data as JSON, for the database, the API and A1111 keys that hold JSON."""

import dataclasses
from collections.abc import Callable, Mapping

from hub.formats.errors import GenerationDataError, Problem
from hub.formats.generation.types import (
    GenerationData,
    GenerationResource,
    GenerationSource,
    ResourceKind,
)
from hub.formats.generation.values import to_float

INVALID_FIELD = Problem(
    "generation_invalid_field",
    "The field {name!r} of the generation data has a value of the wrong type. "
    "Read the data from the picture again.",
)


def to_json(data: GenerationData) -> dict[str, object]:
    """Return every field as plain JSON values."""
    return dataclasses.asdict(data)


def from_json(value: Mapping[str, object]) -> GenerationData:
    """Read what `to_json` wrote; unknown keys are ignored, missing ones take their defaults.

    Raises GenerationDataError.
    """
    return with_fields(GenerationData(), value)


def with_fields(data: GenerationData, value: Mapping[str, object]) -> GenerationData:
    """Replace the fields that `value` names. Raises GenerationDataError."""
    changes = {name: _READERS[name](name, item) for name, item in value.items() if name in _READERS}
    return dataclasses.replace(data, **changes)  # type: ignore[arg-type]


def _fail(name: str) -> GenerationDataError:
    return GenerationDataError(INVALID_FIELD, name=name)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _fail(name)
    return value


def _optional_text(name: str, value: object) -> str | None:
    return None if value is None else _text(name, value)


def _optional_int(name: str, value: object) -> int | None:
    if value is not None and type(value) is not int:
        raise _fail(name)
    return value


def _optional_float(name: str, value: object) -> float | None:
    if value is None:
        return None
    number = None if isinstance(value, str) else to_float(value)
    if number is None:
        raise _fail(name)
    return number


def _texts(name: str, value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(
        isinstance(key, str) and isinstance(item, str) for key, item in value.items()
    ):
        raise _fail(name)
    return value


def _resources(name: str, value: object) -> tuple[GenerationResource, ...]:
    if not isinstance(value, list | tuple):
        raise _fail(name)
    return tuple(_resource(name, item) for item in value)


def _resource(name: str, value: object) -> GenerationResource:
    if not isinstance(value, dict) or value.get("kind") not in list(ResourceKind):
        raise _fail(name)
    return GenerationResource(
        kind=ResourceKind(value["kind"]),
        name=_text(name, value.get("name")),
        weight=_optional_float(name, value.get("weight")),
        hash=_optional_text(name, value.get("hash")),
    )


def _source(name: str, value: object) -> GenerationSource:
    if value not in list(GenerationSource):
        raise _fail(name)
    return GenerationSource(str(value))


_BY_TYPE: Mapping[object, Callable[[str, object], object]] = {
    str: _text,
    str | None: _optional_text,
    int | None: _optional_int,
    float | None: _optional_float,
    Mapping[str, str]: _texts,
    tuple[GenerationResource, ...]: _resources,
    GenerationSource: _source,
}
_READERS = {field.name: _BY_TYPE[field.type] for field in dataclasses.fields(GenerationData)}
