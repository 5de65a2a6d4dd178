"""Which of a file's tensors are its weights, and the names they get in a safetensors file.

| file | names |
|---|---|
| A1111 embedding (`string_to_param`), a single vector | `emb_params` |
| A1111 hypernetwork (`{768: (first, second)}`) | `768.k.linear.0.weight`, `768.v.…` |
| checkpoint or VAE (`state_dict`) | those of the state dict; `loss.*` is training's |
| anything else | the path of its keys, with dots |
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hub.formats.conversion.problems import NO_WEIGHTS, TOO_MANY, UNSUPPORTED, ConversionError
from hub.formats.conversion.stand_ins import Tensor
from hub.formats.safetensors_header import METADATA_KEY

EMBEDDING_KEY = "emb_params"
KEPT_EMBEDDING_KEYS = frozenset({"emb_params", "clip_l", "clip_g"})
TRAINING_PREFIX = "loss."
MAX_DEPTH = 8
MAX_VALUE_CHARACTERS = 2000


@dataclass(frozen=True)
class Weights:
    """Tensors by the names that they get, and what the file says about itself, as text."""

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]


def find_weights(content: object, *, max_tensors: int) -> Weights:
    """Name the weights of a file; raises ConversionError where there are none, or too many."""
    tensors: dict[str, Tensor] = {}
    for name, tensor in _named(content):
        if name == METADATA_KEY or name in tensors:
            raise ConversionError(UNSUPPORTED, name=name, reason="the name comes twice")
        tensors[name] = tensor
        if len(tensors) > max_tensors:
            raise ConversionError(TOO_MANY, limit=max_tensors)
    if not tensors:
        raise ConversionError(NO_WEIGHTS)
    return Weights(tensors, dict(_facts(content)))


def _named(content: object) -> Iterator[tuple[str, Tensor]]:
    if isinstance(content, Tensor):
        yield EMBEDDING_KEY, _as_rows(content)
    elif isinstance(content, dict):
        yield from _named_in(content)


def _named_in(content: Mapping[object, object]) -> Iterator[tuple[str, Tensor]]:
    params, state = content.get("string_to_param"), content.get("state_dict")
    if isinstance(params, dict):
        return _embedding(params)
    if any(_is_pair_of_layers(key, value) for key, value in content.items()):
        return _hypernetwork(content)
    if isinstance(state, dict):
        found = _walk(state, "")
        return (pair for pair in found if not pair[0].startswith(TRAINING_PREFIX))
    return _embedding(content) if len(content) == 1 else _walk(content, "")


def _embedding(params: Mapping[object, object]) -> Iterator[tuple[str, Tensor]]:
    """One vector, or a few, under whatever token: the file's name is what people call it by."""
    found = dict(_walk(params, ""))
    alone = len(found) == 1
    for name, tensor in found.items():
        is_embedding = alone and len(tensor.shape) in {1, 2} and name not in KEPT_EMBEDDING_KEYS
        yield (EMBEDDING_KEY, _as_rows(tensor)) if is_embedding else (name, tensor)


def _hypernetwork(content: Mapping[object, object]) -> Iterator[tuple[str, Tensor]]:
    for width, layers in content.items():
        if _is_pair_of_layers(width, layers):
            for part, layer in zip("kv", layers, strict=True):  # type: ignore[call-overload]
                yield from _walk(layer, f"{width}.{part}.")


def _is_pair_of_layers(key: object, value: object) -> bool:
    return (
        type(key) is int
        and isinstance(value, tuple | list)
        and len(value) == 2
        and all(isinstance(layer, dict) for layer in value)
    )


def _walk(value: object, prefix: str, depth: int = 0) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield prefix.removesuffix("."), value
    elif isinstance(value, dict) and depth < MAX_DEPTH:
        for key, inner in value.items():
            if isinstance(key, str | int):
                yield from _walk(inner, f"{prefix}{key}.", depth + 1)


def _as_rows(tensor: Tensor) -> Tensor:
    """A single vector as a table of one row, the form that every reader takes."""
    if len(tensor.shape) != 1:
        return tensor
    shape, strides = (1, *tensor.shape), (tensor.count, *tensor.strides)
    return Tensor(tensor.storage, tensor.code, tensor.offset, shape, strides)


def _facts(content: object) -> Iterator[tuple[str, str]]:
    """Short plain values beside the weights: name, step, the layers of a hypernetwork."""
    if not isinstance(content, dict):
        return
    for key, value in content.items():
        if not isinstance(key, str) or key == METADATA_KEY:
            continue
        if isinstance(value, str | int | float | bool) or _is_plain_list(value):
            text = value if isinstance(value, str) else json.dumps(value)
            if len(text) <= MAX_VALUE_CHARACTERS and text.isprintable():
                yield key, text


def _is_plain_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str | int | float) for item in value)
