"""Models found by what was typed: words, beginnings of words, near misses, hashes.

A search happens in two steps. The first finds the keys of the models, up to a limit, and so costs
much the same for a rare word and for one that every fifth model has; the second ranks, counts and
loads only those.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from django.contrib.postgres.search import (
    CombinedSearchQuery,
    SearchQuery,
    SearchRank,
    TrigramWordSimilarity,
)
from django.db import connection
from django.db.models import (
    BooleanField,
    ExpressionWrapper,
    F,
    IntegerField,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import Cast, Coalesce, Greatest
from django.db.models.sql.compiler import SQLCompiler

from hub.core.lookups import among, by_bitmap, keys_of, marked_keys_of
from models_registry.hash_lookup import models_of_hash
from models_registry.models.model import Model
from models_registry.search_text import plain_forms, raw_query

RELEVANCE_STEPS = 1_000_000
#: In shorter words two or three letters in common are no sign of a slip of the hand.
TYPO_CHARACTERS = 6
MAX_QUERY_CHARACTERS = 200
#: More hits than these are not collected one by one: see Hits.
MOST_HITS = 500
#: Nor more near misses than these: each of them costs as much as ten hits.
MOST_NEAR = 200
#: Slips of the hand are forgiven when fewer models than these, two pages of a list, have the words
#: as they were typed.
ENOUGH_HITS = 48
#: Of a common word, these most downloaded models are looked through for hits to be ranked.
BEST_KNOWN = 2_000
BEST_KNOWN_ALIKE = 500
#: Where so many of them are hits, hits are met sooner in the order of a list than by the index.
EVERYWHERE = BEST_KNOWN // 5
#: How many times as many hits are looked at for those that fit a filter, before only these are.
LOOKED_AT = 3
#: A tsquery as PostgreSQL writes it: `'castl':*`, and several of them that must all be there.
BEGINNING = re.compile(r"'([^']+)':\*")
ALL_BEGINNINGS = re.compile(r"'[^']+':\*(?: & '[^']+':\*)*")
MOST_DOWNLOADED = ("-download_count", "-thumbs_up_count", "-id")


@dataclass(frozen=True, slots=True)
class Hits:
    """Keys of models that a search found.

    When it found more than MOST_HITS, `is_complete` is off and these are the ones among the most
    downloaded models, filled up with others; `is_everywhere` tells that many of these are hits.
    `is_forgiving` tells that near misses are among them.
    """

    ids: tuple[int, ...]
    is_complete: bool = True
    is_forgiving: bool = False
    is_everywhere: bool = False


def find_hits(models: QuerySet[Model], text: str) -> Hits:
    """Look for words (as beginnings), for a hash and, where few have them, for near misses."""
    text = _cleaned(text)
    if not raw_query(text):
        return _hits_of_signs(models, text)
    exact = _exact(text)
    with by_bitmap():
        hits = first_hits(models.filter(exact))
    return _completed(models, text, exact, hits)


def find_both(models: QuerySet[Model], fits: Q, text: str) -> tuple[Hits, Hits]:
    """Hits for counts, and hits for the list of those models that fit.

    Found by one look at the indexes, where the first hits have enough that fit among them. Of more
    hits than are collected, counts do not need the best-known ones.
    """
    text = _cleaned(text)
    if not raw_query(text):
        return _hits_of_signs(models, text), _hits_of_signs(models.filter(fits), text)
    exact = _exact(text)
    with by_bitmap():
        wide, fitting = _first_of_both(models.filter(exact), fits)
    if not wide.is_complete:
        return wide, _completed(models.filter(fits), text, exact, fitting)
    if not _wants_near_misses(text, wide):
        return wide, fitting
    with by_bitmap():
        near, near_fitting = _first_of_both(_alike(models, text), fits, most=MOST_NEAR)
    return (
        _with_near_misses(models, text, wide, near, for_counts=True),
        _with_near_misses(models.filter(fits), text, fitting, near_fitting),
    )


def holding_words(models: QuerySet[Model], text: str, hits: Hits) -> QuerySet[Model]:
    """All models that have the words, however many: for lists in the order of a column.

    PostgreSQL has no statistics of beginnings, and takes the index for those that half of all
    models have; COALESCE keeps it from that.
    """
    text = _cleaned(text)
    if not raw_query(text):
        return models.filter(among("pk", _with_signs(models, text)))
    held = Q(search=_widest(text))
    if not hits.is_everywhere:
        return models.filter(held)
    plain = ExpressionWrapper(held, output_field=BooleanField())
    return models.filter(Coalesce(plain, Value(value=False)))


def with_relevance(models: QuerySet[Model], text: str, *, is_forgiving: bool) -> QuerySet[Model]:
    """The models with their `relevance`, a whole number, so that a cursor holds it exactly.

    Only where near misses are among them, the other words need to be compared letter by letter.
    """
    text = _cleaned(text)
    if not raw_query(text):
        return models.annotate(relevance=Value(0, output_field=IntegerField()))
    similarity: Any = TrigramWordSimilarity(text, "name")
    if is_forgiving:
        similarity = Greatest(similarity, TrigramWordSimilarity(text, "search_words") * 0.5)
    score = SearchRank(F("search"), _words(text)) + similarity
    return models.annotate(relevance=Cast(Coalesce(score, 0.0) * RELEVANCE_STEPS, IntegerField()))


def _hits_of_signs(models: QuerySet[Model], text: str) -> Hits:
    found = _with_signs(models, text)
    return Hits(found[:MOST_HITS], is_complete=len(found) <= MOST_HITS)


def _with_signs(models: QuerySet[Model], text: str) -> tuple[int, ...]:
    """No index knows signs without a word, such as "★": only the best-known names are asked."""
    return _best_known(models, Q(name__icontains=text), BEST_KNOWN)


def _exact(text: str) -> Q:
    """Models with the words, or with a file of that hash."""
    exact = Q(search=_widest(text))
    if hashed := models_of_hash(text):
        exact |= Q(pk__in=hashed)
    return exact


def _completed(models: QuerySet[Model], text: str, exact: Q, hits: Hits) -> Hits:
    """The first hits with the best-known ones where they are many, with near misses where few."""
    if not hits.is_complete:
        best = _best_known(models, exact, BEST_KNOWN)
        found = _merged(best, hits.ids)
        return Hits(found, is_complete=False, is_everywhere=len(best) >= EVERYWHERE)
    if not _wants_near_misses(text, hits):
        return hits
    with by_bitmap():
        near = first_hits(_alike(models, text), most=MOST_NEAR)
    return _with_near_misses(models, text, hits, near)


def _wants_near_misses(text: str, hits: Hits) -> bool:
    return len(text) >= TYPO_CHARACTERS and len(hits.ids) < ENOUGH_HITS


def _alike(models: QuerySet[Model], text: str) -> QuerySet[Model]:
    return models.filter(
        Q(name__trigram_word_similar=text) | Q(search_words__trigram_word_similar=text)
    )


def _with_near_misses(
    models: QuerySet[Model], text: str, hits: Hits, near: Hits, *, for_counts: bool = False
) -> Hits:
    found = near.ids
    if not (near.is_complete or for_counts):
        alike = Q(name__trigram_word_similar=text)
        found = _merged(_best_known(models, alike, BEST_KNOWN_ALIKE), found)
    return Hits(_merged(hits.ids, found), is_complete=near.is_complete, is_forgiving=True)


def _first_of_both(
    models: QuerySet[Model], fits: Q, *, most: int | None = None
) -> tuple[Hits, Hits]:
    """The first hits, and the first that fit: of these, too, up to `most` (MOST_HITS)."""
    most = MOST_HITS if most is None else most
    seen = most * LOOKED_AT
    is_fitting = ExpressionWrapper(fits, output_field=BooleanField())
    found = marked_keys_of(models.annotate(fits=is_fitting)[: seen + 1], "fits")
    first = Hits(tuple(found)[:most], is_complete=len(found) <= most)
    fitting = tuple(key for key, held in found.items() if held)
    if len(fitting) <= most and len(found) > seen:
        return first, first_hits(models.filter(fits), most=most)
    return first, Hits(fitting[:most], is_complete=len(fitting) <= most)


def first_hits(models: QuerySet[Model], *, most: int | None = None) -> Hits:
    """Keys of the models, in their order, up to `most` (MOST_HITS)."""
    most = MOST_HITS if most is None else most
    ids = tuple(keys_of(models[: most + 1]))
    return Hits(ids[:most], is_complete=len(ids) <= most)


def _best_known(models: QuerySet[Model], condition: Q, count: int) -> tuple[int, ...]:
    """Those of the most downloaded models that meet a condition.

    It is a column here: as a filter it would be looked for among all models, not among these.
    """
    is_hit = ExpressionWrapper(condition, output_field=BooleanField())
    rows = models.annotate(is_hit=is_hit).order_by(*MOST_DOWNLOADED)
    return tuple(keys_of(rows[:count], where="is_hit"))


def _merged(first: Iterable[int], then: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys((*first, *then)))[:MOST_HITS]


class _EitherOf(CombinedSearchQuery):
    """Both queries, or one where they are the same: the index would be read for each of them."""

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        """PostgreSQL decides while it plans: everything in here is constant."""
        sides = (cast(SearchQuery, side) for side in (self.lhs, self.rhs))
        (one, values), (other, others) = map(compiler.compile, sides)
        sql = f"(CASE WHEN {one} = {other} THEN {one} ELSE {one} || {other} END)"
        return sql, [*values, *others, *values, *values, *others]


def _words(text: str) -> CombinedSearchQuery:
    """Descriptions are indexed by English stems, names and trigger words as they are written."""
    raw = raw_query(text)
    simple = SearchQuery(raw, config="simple", search_type="raw")
    english = SearchQuery(raw, config="english", search_type="raw")
    return _EitherOf(simple, "||", english, config="simple")


def _widest(text: str) -> CombinedSearchQuery | SearchQuery:
    """What finds the same as `_words` with half the work, where there is such a query.

    Every word is asked for as a beginning, and a stem mostly is the beginning of its word: then
    the stems alone find all that the words find, and the index is read for them alone.
    """
    raw = raw_query(text)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_tsquery('english', %s)::text", [raw])
        (stems,) = cursor.fetchone()
    words = raw.replace(":*", "").split(" & ")
    is_wider = ALL_BEGINNINGS.fullmatch(stems) and all(
        any(word.startswith(stem) for word in words) for stem in BEGINNING.findall(stems)
    )
    return SearchQuery(stems, config="simple", search_type="raw") if is_wider else _words(text)


def _cleaned(text: str) -> str:
    return plain_forms(text).strip().replace("\x00", "")[:MAX_QUERY_CHARACTERS]
