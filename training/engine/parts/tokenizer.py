"""CLIP's tokenizer by the package `tokenizers` alone: the same ids as transformers' CLIPTokenizer.

https://github.com/openai/CLIP/blob/main/clip/simple_tokenizer.py; byte pairs over lower-case words,
single digits and runs of signs.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import NFC, Lowercase, Replace
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import ByteLevel, Split
from tokenizers.pre_tokenizers import Sequence as Splitters

WORDS = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)
BEGIN, END = "<|startoftext|>", "<|endoftext|>"
SPECIAL = {"bos_token": BEGIN, "eos_token": END, "unk_token": END, "pad_token": END}


class ClipTokenizer:
    """From a text to ids, without those of begin, end and padding, which are attributes."""

    def __init__(self, tokenizer: Tokenizer, special: dict[str, str]) -> None:
        self._tokenizer = tokenizer
        self.bos_token_id = self._id(special["bos_token"])
        self.eos_token_id = self._id(special["eos_token"])
        self.pad_token_id = self._id(special["pad_token"])

    def _id(self, token: str) -> int:
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise ValueError(f"the tokenizer has no token {token!r}")
        return int(found)

    def ids(self, text: str) -> list[int]:
        """Return the ids of a text of any length."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


def read_tokenizer(folder: Path) -> ClipTokenizer:
    """Read a tokenizer's folder. Raises OSError, ValueError, KeyError where a file is not right."""
    settings = _json(folder / "tokenizer_config.json") | _json(folder / "special_tokens_map.json")
    special = {name: _word(settings.get(name) or usual) for name, usual in SPECIAL.items()}
    tokenizer = Tokenizer(_byte_pairs(folder, special["unk_token"]))
    tokenizer.normalizer = Normalizers([NFC(), Replace(Regex(r"\s+"), " "), Lowercase()])
    words = Split(Regex(WORDS), behavior="removed", invert=True)
    tokenizer.pre_tokenizer = Splitters([words, ByteLevel(add_prefix_space=False)])
    for token in _added(folder, settings):
        tokenizer.add_tokens([token])
    tokenizer.add_special_tokens(
        [
            AddedToken(word, special=True, normalized=False)
            for word in dict.fromkeys(special.values())
        ]
    )
    return ClipTokenizer(tokenizer, special)


def _byte_pairs(folder: Path, unknown: str) -> BPE:
    names = ("tokenizer.json", "vocab.json", "merges.txt")
    found = (folder / name for name in names)
    marks = ((path.stat().st_mtime_ns, path.stat().st_size) for path in found if path.exists())
    return _kept_byte_pairs(folder, unknown, tuple(marks))


@lru_cache(maxsize=4)
def _kept_byte_pairs(folder: Path, unknown: str, _marks: tuple[tuple[int, int], ...]) -> BPE:
    """To read 49,000 words takes 0.15 s, and a process reads the same ones for every run.

    Tokenizers share what is read: added words are their own, and nothing else changes.
    """
    options: dict[str, Any] = {
        "continuing_subword_prefix": "",
        "end_of_word_suffix": "</w>",
        "fuse_unk": False,
        "unk_token": unknown,
    }
    whole = folder / "tokenizer.json"
    if not whole.exists():
        return BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt"), **options)
    model = _json(whole)["model"]
    pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
    return BPE(model["vocab"], [(first, second) for first, second in pairs], **options)


def _added(folder: Path, settings: dict[str, Any]) -> list[AddedToken]:
    """Return words that were added to a vocabulary later, in the order of their ids."""
    told = settings.get("added_tokens_decoder") or {}
    whole = _json(folder / "tokenizer.json").get("added_tokens") or []
    found = {int(values["id"]): _token(values) for values in whole}
    found |= {int(number): _token(values) for number, values in told.items()}
    for word, number in _json(folder / "added_tokens.json").items():
        found.setdefault(int(number), AddedToken(word))
    return [found[number] for number in sorted(found)]


def _token(values: dict[str, Any]) -> AddedToken:
    kept = ("single_word", "lstrip", "rstrip", "normalized", "special")
    return AddedToken(values["content"], **{k: values[k] for k in kept if k in values})


def _word(token: Any) -> str:
    return str(token["content"] if isinstance(token, dict) else token)


def _json(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
