"""Pictures by the words of their prompts."""

from dataclasses import dataclass

from django.contrib.postgres.search import SearchQuery
from django.db.models import Exists, Func, OuterRef

from gallery.models import Generation
from hub.core.lookups import among, keys_of
from models_registry.search_text import raw_query

#: Words that more pictures have are asked of each picture of the list instead: in whatever order
#: that is, one of two hundred of a million pictures has them, and soon enough of them are found.
MOST_KEYS = 5_000


@dataclass(frozen=True, slots=True)
class Prompted:
    """Keys of the pictures whose prompts have the words, or the first keys of very many."""

    keys: tuple[int, ...]
    is_complete: bool
    words: SearchQuery | None

    def condition(self) -> Func | Exists:
        """What a picture of the list has to meet."""
        if self.is_complete:
            return among("pk", self.keys)
        return Exists(Generation.objects.filter(search=self.words, image=OuterRef("pk")))


def find_prompted(text: str) -> Prompted | None:
    """All these words, each as a beginning of a word; Chinese anywhere. None for no text."""
    if not text.strip():
        return None
    raw = raw_query(text.replace("\x00", ""))
    if not raw:
        return Prompted((), is_complete=True, words=None)
    words = SearchQuery(raw, config="simple", search_type="raw")
    keys = keys_of(Generation.objects.filter(search=words)[: MOST_KEYS + 1])
    return Prompted(tuple(keys[:MOST_KEYS]), is_complete=len(keys) <= MOST_KEYS, words=words)
