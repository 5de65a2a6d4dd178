"""Models found by what was typed: words, beginnings of words, near misses, hashes."""

from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramWordSimilarity
from django.db.models import F, IntegerField, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Greatest

from models_registry.hash_lookup import models_of_hash
from models_registry.models.model import Model
from models_registry.search_text import raw_query

RELEVANCE_STEPS = 1_000_000
#: In shorter words two or three letters in common are no sign of a slip of the hand.
TYPO_CHARACTERS = 6
MAX_QUERY_CHARACTERS = 200


def searched(models: QuerySet[Model], text: str) -> QuerySet[Model]:
    """Models found by words (as beginnings), by a word typed nearly right, or by a hash.

    Each comes with its `relevance`, a whole number, so that a cursor holds it exactly.
    """
    text = text.strip().replace("\x00", "")[:MAX_QUERY_CHARACTERS]
    raw = raw_query(text)
    similarity = Greatest(
        TrigramWordSimilarity(text, "name"), TrigramWordSimilarity(text, "search_words") * 0.5
    )
    if not raw:
        return models.filter(name__icontains=text).annotate(
            relevance=Value(0, output_field=IntegerField())
        )
    words = SearchQuery(raw, config="simple", search_type="raw")
    # Descriptions are indexed by English stems, names and trigger words as they are written.
    words |= SearchQuery(raw, config="english", search_type="raw")
    found = Q(search=words)
    if len(text) >= TYPO_CHARACTERS:
        found |= Q(name__trigram_word_similar=text) | Q(search_words__trigram_word_similar=text)
    if hashed := models_of_hash(text):
        found |= Q(pk__in=hashed)
    score = SearchRank(F("search"), words) + similarity
    relevance = Cast(Coalesce(score, 0.0) * RELEVANCE_STEPS, IntegerField())
    return models.filter(found).annotate(relevance=relevance)
