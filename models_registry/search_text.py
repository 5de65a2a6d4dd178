"""Words for full-text search, Chinese included: CJK text is indexed and asked for by bigrams."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

CJK_RUN = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
WORD = re.compile(r"\d+(?:\.\d+)+|\w+", re.UNICODE)
MAX_TERMS = 12


def bigrams(text: str) -> Iterator[str]:
    """Every two neighbouring CJK characters; a lone one by itself."""
    for run in CJK_RUN.findall(text):
        if len(run) == 1:
            yield run
        yield from (run[at : at + 2] for at in range(len(run) - 1))


def grams(text: str) -> Iterator[str]:
    """Bigrams to be indexed, and the last character of each run: none of them begins with it."""
    for run in CJK_RUN.findall(text):
        yield from bigrams(run)
        yield run[-1]


def plain_forms(text: str) -> str:
    """Letters in one form: of full width, composed with accents, or joined to one."""
    return unicodedata.normalize("NFKC", text)


def hidden_words(text: str) -> Iterator[str]:
    """Words that PostgreSQL does not see in a text: Chinese, in odd forms, beside Chinese."""
    plain, seen = plain_forms(text), set(WORD.findall(text))
    for word in WORD.findall(plain):
        yield from (part for part in CJK_RUN.split(word) if part and part not in seen)
    yield from grams(plain)


def index_words(texts: Iterable[str]) -> str:
    """The texts in plain forms, and their bigrams, each once, as one text to be indexed."""
    kept: dict[str, None] = {}
    for text in map(plain_forms, texts):
        kept.setdefault(text)
        # Trigger words such as `yuki_ns` are one token to the parser; their parts are words, too.
        kept.update(dict.fromkeys(part for part in text.split("_") if part))
        kept.update(dict.fromkeys(grams(text)))
    return " ".join(kept)


def prompt_words(text: str, *, most: int) -> str:
    """The words of a prompt, each once, as one text to be indexed; of its first `most` characters.

    Punctuation goes first: to the parser of PostgreSQL `<lora:ink:0.8>` is a tag without words.
    """
    return index_words(WORD.findall(text[:most].lower()))


def raw_query(text: str) -> str:
    """What was typed as a tsquery: all words must occur, each as a beginning of a word.

    Only word characters reach the result, so that it is always valid. Empty when nothing is left.
    """
    terms: dict[str, None] = {}
    for word in WORD.findall(plain_forms(text).lower()):
        terms.update(dict.fromkeys(bigrams(word)))
        terms.update(dict.fromkeys(part for part in CJK_RUN.split(word) if part))
    return " & ".join(f"{term}:*" for term in list(terms)[:MAX_TERMS])
