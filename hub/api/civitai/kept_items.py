"""Models of lists as text, kept by the process with what they were printed from.

A list of 100 models is printed from some 2,500 rows. To read them, make objects of them, then the
wire form and its text takes four fifths of the time of the answer, and of most models no row has
changed.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from hub.api.civitai.json_text import json_text
from hub.api.civitai.links import Links
from hub.api.civitai.wire import model_item
from hub.core.kept_texts import KeptPrints
from models_registry.catalogue_rows import ListedModel, Needs, Source, complete
from models_registry.models.model import Viewer

_kept = KeptPrints(most_bytes=settings.API_KEPT_BYTES)


class ModelTexts:
    """Texts of models for one kind of answer: the addresses in it, and whose files it names."""

    def __init__(self, links: Links, *, primary_only: bool) -> None:
        self._links, self._primary_only = links, primary_only

    def remembered(self, model_id: int, own: tuple[Any, ...]) -> Needs | None:
        """What else the text of this model was made of, if its own rows are as they were."""
        source: Source | None = _kept.source_of(self._name(model_id))
        return source.needs if source is not None and source.own == own else None

    def of(self, listed: Sequence[ListedModel], viewer: Viewer) -> list[bytes]:
        """The text of each model: printed anew where anything in it may have changed."""
        texts = {item.model.pk: self._found(item) for item in listed}
        unknown = [item for item in listed if texts[item.model.pk] is None]
        for item in complete(unknown, viewer) if unknown else ():
            texts[item.model.pk] = self._printed(item)
        return [text for text in texts.values() if text is not None]

    def _found(self, item: ListedModel) -> bytes | None:
        return _kept.find(self._name(item.model.pk), item.source) if item.is_lasting else None

    def _printed(self, item: ListedModel) -> bytes:
        printed = model_item(item.model, self._links, in_list=True, primary_only=self._primary_only)
        text = json_text(printed)
        if item.is_lasting:
            _kept.keep(self._name(item.model.pk), item.source, text)
        return text

    def _name(self, model_id: int) -> tuple[int, str, bool]:
        return model_id, self._links.origin, self._primary_only
