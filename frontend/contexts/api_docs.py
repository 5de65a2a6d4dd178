"""`/api/v2/docs/`: the OpenAPI document of our own API, laid out for reading.

The page is made on the server from the very document that `/api/v2/schema/` gives: no viewer from
elsewhere, no script, and nothing that could say something else than the schema does. Its English
words are the keys of the catalogue; the template translates them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils.translation import override
from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "post", "put", "patch", "delete")
JSON = "application/json"
SECTION_PLACE = 3  # of "models" in /api/v2/models/


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a field of a body: its kind in words, and what it may be."""

    name: str
    kind: str
    is_required: bool
    place: str
    words: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and the shape that comes with it; `anchor` is empty for plain kinds."""

    status: str
    shape: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address."""

    anchor: str
    method: str
    path: str
    words: str
    is_open: bool
    parameters: tuple[Field, ...]
    body: Answer | None
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Operations whose addresses begin alike."""

    name: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a body or an answer is made of."""

    name: str
    words: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class ApiDocs:
    """The whole document."""

    sections: tuple[Section, ...]
    shapes: tuple[Shape, ...]


@lru_cache(maxsize=1)  # it is made from the code, which does not change while it runs
def api_docs() -> ApiDocs:
    """Sections in alphabetical order, then every shape."""
    with override("en"):
        document = SchemaGenerator().get_schema(request=None, public=True)
    groups: dict[str, list[Operation]] = {}
    for path, item in sorted(document["paths"].items()):
        name = path.split("/")[SECTION_PLACE]
        groups.setdefault(name, []).extend(_operations(path, item))
    schemas = document.get("components", {}).get("schemas", {})
    return ApiDocs(
        sections=tuple(Section(name, tuple(found)) for name, found in groups.items()),
        shapes=tuple(_shape(name, schema) for name, schema in sorted(schemas.items())),
    )


def sentences(page: ApiDocs) -> Iterator[str]:
    """Every sentence of the document, to be translated; some come more than once."""
    for section in page.sections:
        for call in section.operations:
            yield call.words
            yield from (row.words for row in call.parameters)
    for shape in page.shapes:
        yield shape.words
        yield from (row.words for row in shape.fields)


def _operations(path: str, item: Mapping[str, Any]) -> Iterator[Operation]:
    for method in METHODS:
        if found := item.get(method):
            yield Operation(
                anchor=found["operationId"],
                method=method.upper(),
                path=path,
                words=found.get("description", ""),
                is_open={} in found.get("security", []),
                parameters=tuple(_parameter(row) for row in found.get("parameters", [])),
                body=_body(found),
                answers=tuple(_answers(found)),
            )


def _parameter(row: Mapping[str, Any]) -> Field:
    schema = row.get("schema", {})
    words = row.get("description", "") or schema.get("description", "")
    return _field(
        row["name"], schema, required=row.get("required", False), place=row["in"], words=words
    )


def _body(operation: Mapping[str, Any]) -> Answer | None:
    content = operation.get("requestBody", {}).get("content", {})
    return _answer("", content) if content else None


def _answers(operation: Mapping[str, Any]) -> Iterator[Answer]:
    for status, answer in sorted(operation.get("responses", {}).items()):
        yield _answer(status, answer.get("content", {}))


def _answer(status: str, content: Mapping[str, Any]) -> Answer:
    media = JSON if JSON in content else next(iter(content), "")
    schema = content.get(media, {}).get("schema", {})
    name = _reference(schema) or _reference(schema.get("items", {}))
    return Answer(status, _kind(schema) if schema else "", f"shape-{name}" if name else "")


def _shape(name: str, schema: Mapping[str, Any]) -> Shape:
    required = schema.get("required", [])
    fields = schema.get("properties", {}).items()
    return Shape(
        name=name,
        words=schema.get("description", ""),
        fields=tuple(_field(key, value, required=key in required) for key, value in fields)
        or (_field("", schema, required=True),),
    )


def _field(
    name: str, schema: Mapping[str, Any], *, required: bool, place: str = "", words: str = ""
) -> Field:
    choices = schema.get("enum") or schema.get("items", {}).get("enum") or ()
    return Field(
        name=name,
        kind=_kind(schema),
        is_required=required,
        place=place,
        words=words or schema.get("description", ""),
        choices=tuple(str(choice) for choice in choices if choice not in ("", None)),
    )


def _kind(schema: Mapping[str, Any]) -> str:
    """What a value is, as `text, up to 80 characters` would be in OpenAPI's own words."""
    if name := _reference(schema):
        return name
    if schema.get("type") == "array":
        return f"[{_kind(schema.get('items', {}))}]"
    parts = [part for key in ("allOf", "oneOf", "anyOf") for part in schema.get(key, ())]
    if parts:
        return " | ".join(dict.fromkeys(_kind(part) for part in parts))
    kind = schema.get("format") or schema.get("type", "any")
    ends = [str(schema[key]) if key in schema else "" for key in ("minimum", "maximum")]
    kind += f" {ends[0]}…{ends[1]}" if any(ends) else ""
    return f"{kind} | null" if schema.get("nullable") else str(kind)


def _reference(schema: Mapping[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]
