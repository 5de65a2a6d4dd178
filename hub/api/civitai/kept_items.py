"""Models of lists as text, kept by the process with the rows that they were printed from.

A list of 100 models is printed from some 2,500 rows: to make objects of them, then the wire form
and its text takes two thirds of the time of the answer, and of most models no row has changed.
"""

from collections.abc import Iterable

from hub.api.civitai.json_text import json_text
from hub.api.civitai.links import Links
from hub.api.civitai.wire import model_item
from hub.core.kept_texts import KeptPrints
from models_registry.catalogue_rows import ListedModel, complete

#: About 2,000 models; their rows take three times as much beside it.
KEPT_BYTES = 16_000_000

_kept = KeptPrints(most_bytes=KEPT_BYTES)


def model_texts(listed: Iterable[ListedModel], links: Links, *, primary_only: bool) -> list[bytes]:
    """Return the text of each model: printed anew where anything in it may have changed."""
    return [_text(item, links, primary_only=primary_only) for item in listed]


def _text(item: ListedModel, links: Links, *, primary_only: bool) -> bytes:
    name = item.model.pk, links.origin, primary_only
    lasting = item.is_lasting
    text = _kept.find(name, item.source) if lasting else None
    if text is None:
        complete([item])
        printed = model_item(item.model, links, in_list=True, primary_only=primary_only)
        text = json_text(printed)
        if lasting:
            _kept.keep(name, item.source, text)
    return text
