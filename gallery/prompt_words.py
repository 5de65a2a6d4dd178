"""The words of prompts, for searches by the beginnings of words.

Asked for beginnings, the index of prompts gives all pictures of each before it can say which have
all of them; asked for whole words, it skips from one picture that may have all to the next, which
takes a tenth of the time. So a beginning is replaced by the words that there are with it.
"""

import re

from django.db import connection

from gallery.models import PromptWord

#: More words than these are left to the index.
MOST_WORDS = 128
#: What is one word to PostgreSQL, too, wherever it stands.
PLAIN = re.compile(r"[^\W_]+")
#: Behind every word with the same beginning.
END = "\U0010ffff"
FOUND = f"""
SELECT asked.beginning, ARRAY(
    SELECT word FROM {PromptWord._meta.db_table}
    WHERE word >= asked.beginning COLLATE "C" AND word < (asked.beginning || %s) COLLATE "C"
    ORDER BY word LIMIT {MOST_WORDS + 1}
) FROM unnest(%s::text[]) AS asked(beginning)
"""  # noqa: S608  a name and a number of ours
#: In one order, so that two that write the same words never wait for each other.
KEEP = f"""
INSERT INTO {PromptWord._meta.db_table} (word)
SELECT word FROM unnest(tsvector_to_array((
    SELECT search FROM gallery_generation WHERE image_id = %s
))) AS words(word) ORDER BY word COLLATE "C" ON CONFLICT DO NOTHING
"""  # noqa: S608


def keep_words(image_id: int) -> None:
    """Keep the words of a picture's prompt, which was just written."""
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [image_id])


def with_whole_words(raw: str) -> str:
    """A tsquery of beginnings that must all occur, as one of whole words that finds the same.

    A beginning of very many words stays, and so does one that no word has.
    """
    terms = [term.removesuffix(":*") for term in raw.split(" & ")]
    plain = [term for term in terms if PLAIN.fullmatch(term)]
    if len(terms) == 1 or not plain:
        return raw
    with connection.cursor() as cursor:
        cursor.execute(FOUND, [END, plain])
        found: dict[str, list[str]] = dict(cursor.fetchall())
    return " & ".join(_either(found.get(term, []), term) for term in terms)


def _either(words: list[str], beginning: str) -> str:
    if 0 < len(words) <= MOST_WORDS and all(map(PLAIN.fullmatch, words)):
        return f"({' | '.join(words)})"
    return f"{beginning}:*"
