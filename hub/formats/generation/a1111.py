"""The A1111 infotext, which Forge, SD.Next, Civitai and many more read and write.

    prompt, over any number of lines
    Negative prompt: also over any number of lines
    Steps: 20, Sampler: Euler a, ..., Lora hashes: "name: hash", Hashes: {"model": "..."}

`parse_infotext(emit_infotext(data)) == data` holds for all data: where the notation itself can't
carry something (a prompt with a line "Negative prompt:"), one more key, `Exact fields`, holds the
fields in question as JSON. Other programs skip that key.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from hub.formats.errors import GenerationDataError
from hub.formats.generation.a1111_details import Detail, quote_value
from hub.formats.generation.a1111_keys import (
    EXACT,
    FIELDS,
    HASH_LISTS,
    HASHES,
    NEGATIVE,
    READERS,
    SIZE,
    TRAILING,
    plain_text,
)
from hub.formats.generation.a1111_layout import split_infotext, split_prompts
from hub.formats.generation.json_form import to_json, with_fields
from hub.formats.generation.prompt_resources import (
    collect_resources,
    hashes_by_kind,
    networks_in_prompt,
    read_hash_list,
    write_hash_list,
)
from hub.formats.generation.types import GenerationData, ResourceKind
from hub.formats.generation.values import number_text, to_size


def looks_like_infotext(text: str) -> bool:
    """Whether a text has a details line, as opposed to being any comment in a picture."""
    return split_infotext(text)[1] is not None


def parse_infotext(text: str) -> GenerationData:
    """Read an infotext; a text without details line is all prompt. Never raises."""
    head, details, trailing = split_infotext(text)
    prompt, negative = split_prompts(head)
    values = _Values()
    for detail in details or ():
        values.take(detail)
    if trailing:
        values.keep(TRAILING, trailing)
    return values.build(prompt, negative, raw=text)


def emit_infotext(data: GenerationData) -> str:
    """Write an infotext that A1111 reads and that reads back equal to `data`."""
    details = list(_details(data))
    text = _assemble(data, details)
    lost = _lost_fields(data, parse_infotext(text))
    # The extra key itself makes the last line a details line, which may change how others read.
    exact: dict[str, object] = {"source": data.source}
    while lost:
        text = _assemble(data, [*details, _exact_detail(exact)])
        lost = _lost_fields(data, parse_infotext(text))
        exact |= lost
    return text


def _exact_detail(exact: dict[str, object]) -> str:
    # Quoted although it is JSON: other programs must not find keys inside it.
    value = json.dumps(exact, ensure_ascii=False, allow_nan=False)
    return f"{EXACT}: {json.dumps(value, ensure_ascii=False)}"


def _assemble(data: GenerationData, details: list[str]) -> str:
    lines = [data.prompt] if data.prompt else []
    if data.negative_prompt:
        lines.append(f"{NEGATIVE} {data.negative_prompt}")
    if details:
        lines.append(", ".join(details))
    return "\n".join(lines)


def _lost_fields(data: GenerationData, reread: GenerationData) -> dict[str, object]:
    wanted, got = to_json(data), to_json(reread)
    return {
        name: value
        for name, value in wanted.items()
        if name != "raw" and not _same(value, got[name])
    }


def _same(value: object, other: object) -> bool:
    # Order is part of what `extra` and `hashes` say, and `==` of dicts does not look at it.
    return value == other and (not isinstance(value, dict) or list(value) == [*_keys(other)])


def _keys(value: object) -> Iterator[object]:
    yield from value if isinstance(value, dict) else ()


def _details(data: GenerationData) -> Iterator[str]:
    """Yield the `Key: value` pieces in writing order; the version comes late, hashes last."""
    for label, field, _ in FIELDS:
        if label == "Model hash" and data.width is not None and data.height is not None:
            yield f"{SIZE}: {data.width}x{data.height}"
        if label == "Version":
            yield from (f"{key}: {quote_value(value)}" for key, value in data.extra.items())
            yield from _hash_lists(data)
        value = getattr(data, field)
        if value is not None:
            text = value if isinstance(value, str) else number_text(value)
            yield f"{label}: {quote_value(text)}"
    if data.hashes:
        yield f"{HASHES}: {json.dumps(dict(data.hashes), ensure_ascii=False)}"


def _hash_lists(data: GenerationData) -> Iterator[str]:
    for label, kind in HASH_LISTS.items():
        listed = write_hash_list(data.resources, kind)
        if listed:
            yield f"{label}: {quote_value(listed)}"


class _Values:
    """Sorts scanned details into fields, hashes and everything else."""

    def __init__(self) -> None:
        self.fields: dict[str, object] = {}
        self.extra: dict[str, str] = {}
        self.hashes: dict[str, str] = {}
        self.hash_lists: dict[ResourceKind, dict[str, str]] = {}
        self.exact: dict[str, object] = {}
        self._repeats: Counter[str] = Counter()

    def take(self, detail: Detail) -> None:
        """Store one detail; what no reader understands is kept as it is."""
        taken = (
            self._take_field(detail)
            or self._take_size(detail)
            or self._take_hash_list(detail)
            or self._take_json(detail)
        )
        if not taken:
            self.keep(detail.key, detail.value)

    def keep(self, key: str, value: str) -> None:
        """Store an unknown key; a key that comes twice gets a number."""
        name = key
        while name in self.extra:
            self._repeats[key] += 1
            name = f"{key} {self._repeats[key] + 1}"
        self.extra[name] = value

    def build(self, prompt: str, negative: str, *, raw: str) -> GenerationData:
        """Put everything together."""
        resources = collect_resources(
            networks_in_prompt(prompt), [*self.hash_lists.items(), *hashes_by_kind(self.hashes)]
        )
        data = with_fields(
            GenerationData(prompt, negative, resources=resources, raw=raw),
            {**self.fields, "extra": self.extra, "hashes": self.hashes},
        )
        data = replace(
            data,
            model_hash=data.model_hash or self.hashes.get("model"),
            vae_hash=data.vae_hash or self.hashes.get("vae"),
        )
        try:
            return with_fields(data, self.exact)
        except GenerationDataError:
            return data

    def _take_field(self, detail: Detail) -> bool:
        field, reader = READERS.get(detail.key, ("", plain_text))
        value = reader(detail.value) if field and field not in self.fields else None
        if value is not None:
            self.fields[field] = value
        return value is not None

    def _take_size(self, detail: Detail) -> bool:
        size = to_size(detail.value) if detail.key == SIZE else None
        if size is None or "width" in self.fields:
            return False
        self.fields["width"], self.fields["height"] = size
        return True

    def _take_hash_list(self, detail: Detail) -> bool:
        kind = HASH_LISTS.get(detail.key)
        listed = read_hash_list(detail.value) if kind else None
        if kind is None or listed is None or kind in self.hash_lists:
            return False
        self.hash_lists[kind] = listed
        return True

    def _take_json(self, detail: Detail) -> bool:
        if detail.key == HASHES and not self.hashes:
            value = _json_object(detail.value)
            if value and all(isinstance(item, str) for item in value.values()):
                self.hashes = {key: str(item) for key, item in value.items()}
                return True
        elif detail.key == EXACT and not self.exact:
            self.exact = _json_object(detail.value)
            return bool(self.exact)
        return False


def _json_object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
