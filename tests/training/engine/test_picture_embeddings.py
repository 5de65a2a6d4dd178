"""Embeddings that A1111 shares as pictures are read from text and from pixels, without pickles."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from training.engine.components import Components
from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.files.embedding_files import read_embedding
from training.engine.files.picture_embeddings import word_of
from training.engine.samples.applying import AppliedFile, applied, kind_of_file
from training.engine.samples.drawing import BaseChoice, open_base
from training.engine.samples.resource_library import ResourceLibrary
from training.engine.text import TextConditioner

pytestmark = pytest.mark.engine
HEIGHT = 64
# The first numbers of the sequence, as A1111's own check of it lists them.
SEQUENCE = [253, 242, 127, 44, 157, 27, 239, 133, 38, 79, 167, 4, 177, 95, 130, 79, 78, 14, 52]


def vectors(count: int, width: int) -> torch.Tensor:
    return torch.linspace(-0.1, 0.1, count * width).view(count, width)


def as_json(tensor: torch.Tensor, name: str) -> bytes:
    param = {"*": {"TORCHTENSOR": tensor.tolist()}}
    data = {"string_to_token": {"*": 265}, "string_to_param": param, "name": name, "step": 5}
    return json.dumps(data).encode()


def picture() -> Image.Image:
    noise = np.random.default_rng(1).integers(16, 256, (HEIGHT, HEIGHT, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def with_text(path: Path, content: bytes) -> Path:
    info = PngInfo()
    info.add_text("sd-ti-embedding", base64.b64encode(content).decode("ascii"))
    picture().save(path, pnginfo=info)
    return path


def mixed(halves: np.ndarray[Any, Any]) -> Image.Image:
    """One side of such a picture, mixed with the sequence and decorated in the high halves."""
    columns = -(-len(halves) // (HEIGHT * 3))
    block = np.resize(halves, (HEIGHT, columns, 3)).astype(np.uint8)
    seed, sequence = 0, []
    for _ in range(block.size):
        seed = (1013904223 + 1664525 * seed) % 2**32
        sequence.append(seed % 255)
    assert sequence[: len(SEQUENCE)] == SEQUENCE
    low = block ^ (np.array(sequence, dtype=np.uint8).reshape(block.shape) & 15)
    return Image.fromarray(low | 0x50)


def with_pixels(path: Path, content: bytes, *, border: int = 0) -> Path:
    stream = np.frombuffer(zlib.compress(content, 9), np.uint8)
    left, middle, right = mixed(stream & 15), picture(), mixed(stream >> 4)
    width = left.width + middle.width + right.width + 2
    whole = Image.new("RGB", (width + 2 * border, HEIGHT + 2 * border))
    at = border
    for part in (left, middle, right):
        whole.paste(part, (at, border))
        at += part.width + 1
    whole.save(path, **({"lossless": True} if path.suffix == ".webp" else {}))
    return path


@pytest.mark.parametrize(
    ("name", "write", "options", "word"),
    [
        ("file.png", with_text, {}, "the-word-500"),
        ("file.png", with_pixels, {}, "file"),
        ("file.webp", with_pixels, {}, "file"),
        ("file.PNG", with_pixels, {"border": 3}, "file"),
    ],
)
def test_the_vectors_in_a_picture_are_those_that_were_trained(
    name: str, write: Any, options: dict[str, int], word: str, tmp_path: Path
) -> None:
    path = write(tmp_path / name, as_json(vectors(3, 40), "the-word-500"), **options)
    assert torch.equal(read_embedding(path)["emb_params"], vectors(3, 40))
    assert kind_of_file(path) == "embedding"
    assert word_of(path) == word


@pytest.mark.parametrize(
    ("write", "content", "words"),
    [
        (with_text, b'{"string_to_param": {"*": {"TORCHTENSOR": [[1], "x"]}}}', "damaged"),
        (with_text, b"[" * 100_000, "damaged"),
        (with_text, b"[1]", "without an embedding"),
        (with_text, b'{"string_to_param": {}}', "holds 0 tensors"),
        (with_pixels, b"no json", "damaged"),
    ],
)
def test_damaged_embeddings_in_pictures_are_refused_in_words(
    write: Any, content: bytes, words: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=words):
        read_embedding(write(tmp_path / "bad.png", content))


def test_plain_pictures_hold_no_embedding(tmp_path: Path) -> None:
    striped = np.array(picture())
    striped[:, [10, 50]] = 0
    Image.fromarray(striped).save(tmp_path / "striped.png")
    picture().save(tmp_path / "plain.webp")
    Image.new("RGB", (8, 8)).save(tmp_path / "black.png")
    (tmp_path / "none.png").write_bytes(b"text")
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(ConfigError, match=r"without an embedding|cannot be read"):
            kind_of_file(path)
        assert word_of(path) == path.stem


@pytest.fixture(scope="module")
def opened(base: Path) -> tuple[TrainConfig, Components]:
    return open_base(BaseChoice(base, name="Random", pixels=64))


def test_a_picture_acts_by_the_name_in_its_text_and_never_hides_a_file_beside_it(
    opened: tuple[TrainConfig, Components], tmp_path: Path
) -> None:
    _, components = opened
    width = components.text_encoders[0].config.hidden_size
    shared = with_text(tmp_path / "renamed.png", as_json(vectors(2, width), "glow"))
    preview = with_pixels(tmp_path / "style.png", as_json(vectors(1, width), "style"))
    torch.save({"string_to_param": {"*": vectors(1, width)}}, tmp_path / "style.pt")
    library = ResourceLibrary([tmp_path])
    needed = library.needed_by("a Glow thing, renamed", "style")
    assert needed.files == (AppliedFile(tmp_path / "style.pt"), AppliedFile(shared))
    assert sorted(resource.name for resource in needed.resources) == ["glow", "style"]
    before = TextConditioner(components).encode(["a glow"]).embeddings
    with applied(components, [AppliedFile(shared), AppliedFile(preview)]):
        assert sorted(components.placeholders) == ["glow", "style"]
        assert not torch.equal(TextConditioner(components).encode(["a glow"]).embeddings, before)
    assert not components.placeholders
