"""Using files that were trained, ours or others': LoRA, embeddings and hypernetworks on a base."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from training.engine.adapter_change import (
    UnknownAdapterError,
    bias_change,
    weight_change,
)
from training.engine.components import Components
from training.engine.config.sections import HypernetworkConfig
from training.engine.errors import BaseModelError, ConfigError
from training.engine.files.adapter_files import AdapterFile, is_adapter_part, open_adapter
from training.engine.files.embedding_files import (
    EMBEDDING_NAMES,
    is_embedding,
    read_embedding,
    read_plain_pt,
)
from training.engine.files.file_writing import tensor_hash
from training.engine.files.lazy_tensors import open_tensors
from training.engine.files.picture_embeddings import is_picture, word_of
from training.engine.machine.memory import is_out_of_memory
from training.engine.methods.hypernetwork import ACTIVATIONS, ContextNetwork, change_projections
from training.engine.methods.textual_inversion import EmbeddingWithWords
from training.engine.samples.changed_layer import ChangedLayer
from training.engine.samples.places import Place, places_by_name
from training.engine.text import inner_text_model

OLDER_LAYERS = {"linear1": "linear.0", "linear2": "linear.1"}


@dataclass(frozen=True)
class AppliedFile:
    """A file and how strongly it acts; an embedding has no strength.

    `text_weight` is the strength on the text encoders, where it is another than on the UNet.
    """

    path: Path
    weight: float = 1.0
    text_weight: float | None = None

    def weight_on(self, layer: str) -> float:
        """Return the strength on a layer, by its name in the file."""
        if self.text_weight is None or not layer.startswith("lora_te"):
            return self.weight
        return self.text_weight


@contextmanager
def applied(
    components: Components, files: Sequence[AppliedFile], *, beside: bool = False
) -> Iterator[None]:
    """Let files act on a base for a while; afterwards it is as before, bit for bit.

    With `beside` no weight is written, only modules are put in place of others: weights may be
    packed, or be those of a training under way. Of several hypernetworks the first changes the
    context before the second, as in A1111's `apply_hypernetworks`. Raises ConfigError for a file
    that is none of the three kinds, or made for another base.
    """
    kinds = [(kind_of_file(file.path), file) for file in files]
    ordered = [one for one in kinds if one[0] != "hypernetwork"]
    # Each stands before those that are there, so that the first to act is put in place last.
    ordered += [one for one in reversed(kinds) if one[0] == "hypernetwork"]
    with ExitStack() as stack:
        for kind, file in ordered:
            stack.enter_context(_one(components, kind, file, beside=beside))
        yield


def kind_of_file(path: Path) -> str:
    """Tell a LoRA, an embedding, a hypernetwork and a checkpoint apart by what is in the file.

    Raises ConfigError for anything else.
    """
    if is_picture(path):
        read_embedding(path)
        return "embedding"
    if path.suffix == ".pt":
        return "embedding" if is_embedding(read_plain_pt(path)) else "hypernetwork"
    try:
        names = set(open_tensors(path).tensors)
    except BaseModelError as error:
        raise ConfigError(str(error)) from error
    if any(is_adapter_part(name) for name in names):
        return "lora"
    if any(name.startswith("model.diffusion_model.") for name in names):
        return "checkpoint"
    if names & {*EMBEDDING_NAMES, "clip_l"} or len(names) == 1:
        return "embedding"
    raise ConfigError(
        f"{path.name} is neither a LoRA nor an embedding in a form that is known here."
    )


def _one(
    components: Components, kind: str, file: AppliedFile, *, beside: bool
) -> AbstractContextManager[None]:
    actions = {"embedding": _embedding, "hypernetwork": _hypernetwork}
    actions["lora"] = _lora_beside if beside else _lora
    if kind not in actions:
        raise ConfigError(f"{file.path.name} is a checkpoint: use it as the base model.")
    return actions[kind](components, file)


def put_into(components: Components, files: Sequence[AppliedFile]) -> None:
    """Write what LoRAs change into the weights for good; the components then tell by which.

    Raises ConfigError for a file of another kind, or made for another base.
    """
    for file in files:
        if kind_of_file(file.path) != "lora":
            raise ConfigError(f"{file.path.name} is no LoRA, and base_weights takes no other file.")
        for values, change in _each_change(components, file):
            values.add_(change)
        components.changed_by += (f"{tensor_hash(file.path)}:{file.weight:g}",)


@contextmanager
def _lora(components: Components, file: AppliedFile) -> Iterator[None]:
    """Write what a file changes into the weights, and afterwards the values from before."""
    kept: list[tuple[torch.Tensor, torch.Tensor]] = []
    try:
        for values, change in _each_change(components, file):
            kept.append((values, values.clone()))
            values.add_(change)
        yield
    finally:
        with torch.no_grad():
            for values, before in reversed(kept):
                values.copy_(before)


def _each_change(
    components: Components, file: AppliedFile
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield the values that a file changes, each with what is to be added before the next."""
    opened, places = _opened_for(components, file)
    for name, place in places.items():
        with torch.no_grad():
            found = _changes(opened, name, place.layer, file.weight_on(name))
        for values, change in found:
            yield values.detach(), change.to(values)


@contextmanager
def _lora_beside(components: Components, file: AppliedFile) -> Iterator[None]:
    """Let layers that a file changes stand in place of those that are there."""
    opened, places = _opened_for(components, file)
    replaced: list[tuple[Place, torch.nn.Module]] = []
    try:
        for name, place in places.items():
            before, device = place.module, place.layer.weight.device
            with _in_words(opened, name), torch.no_grad():
                parts = {part: values.to(device) for part, values in opened.parts(name).items()}
                place.put(ChangedLayer(before, parts, file.weight_on(name)))
            replaced.append((place, before))
        yield
    finally:
        for place, before in reversed(replaced):
            place.put(before)


def _opened_for(components: Components, file: AppliedFile) -> tuple[AdapterFile, dict[str, Place]]:
    """Return a file and the places of its layers; ConfigError where one is for another base."""
    opened = open_adapter(file.path)
    places = places_by_name(components)
    names = sorted(opened.layers)
    unknown = [name for name in names if name not in places]
    if unknown:
        raise ConfigError(
            f"{file.path.name} was made for another kind of base model: this one has no layer "
            f"{unknown[0]} ({len(unknown)} of {len(names)} are missing)."
        )
    return opened, {name: places[name] for name in names}


@contextmanager
def _in_words(file: AdapterFile, name: str) -> Iterator[None]:
    """Say in words that the tensors of a layer do not fit."""
    try:
        yield
    except (UnknownAdapterError, KeyError, RuntimeError, TypeError, AttributeError) as error:
        if is_out_of_memory(error):
            raise
        raise ConfigError(
            f"{file.path.name} cannot be used: the form of its layer {name} is not known here, or "
            "it was made for another base model."
        ) from error


def _changes(
    file: AdapterFile, name: str, layer: Any, strength: float
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return what changes in a layer, the weight and perhaps the bias, with what is added to it."""
    device = layer.weight.device
    with _in_words(file, name):
        parts = {part: tensor.to(device) for part, tensor in file.parts(name).items()}
        weight, bias = weight_change(parts, layer.weight, strength), bias_change(parts)
        if bias is not None:
            return [(layer.weight, weight), (layer.bias, bias.view_as(layer.bias) * strength)]
    return [(layer.weight, weight)]


@contextmanager
def _embedding(components: Components, file: AppliedFile) -> Iterator[None]:
    tensors = read_embedding(file.path)
    keys = tuple(tensors)
    if len(keys) != len(components.text_encoders):
        raise ConfigError(f"{file.path.name} was made for another number of text encoders.")
    parts = [inner_text_model(encoder).embeddings for encoder in components.text_encoders]
    before = [part.token_embedding for part in parts]
    first = min((min(ids) for ids in components.placeholders.values()), default=0)
    for part, key in zip(parts, keys, strict=True):
        known = part.token_embedding
        older = known.vectors.detach() if isinstance(known, EmbeddingWithWords) else None
        table = known.table if isinstance(known, EmbeddingWithWords) else known
        vectors = tensors[key].float().to(components.device)
        if vectors.shape[-1] != table.weight.shape[-1]:
            raise ConfigError(f"{file.path.name} was made for another kind of base model.")
        joined = vectors if older is None else torch.cat([older, vectors])
        part.token_embedding = EmbeddingWithWords(table, joined)
    count = len(tensors[keys[0]])
    word = word_of(file.path)
    components.placeholders[word] = [first - 1 - number for number in range(count)]
    try:
        yield
    finally:
        components.placeholders.pop(word)
        for part, embedding in zip(parts, before, strict=True):
            part.token_embedding = embedding


@contextmanager
def _hypernetwork(components: Components, file: AppliedFile) -> Iterator[None]:
    networks = load_hypernetwork(file.path, weight=file.weight)
    for pair in networks.values():
        for network in pair:
            network.to(components.device).eval()
    undo = change_projections(components.unet, networks)
    try:
        yield
    finally:
        undo()


def load_hypernetwork(
    path: Path, *, weight: float = 1.0
) -> dict[int, tuple[ContextNetwork, ContextNetwork]]:
    """Read a hypernetwork in A1111's form, without running any code from the file."""
    try:
        data = torch.load(path, weights_only=True, map_location="cpu")
        settings = HypernetworkConfig(
            layer_structure=data.get("layer_structure") or [1, 2, 1],
            activation=_known_activation(data.get("activation_func")),
            activate_output=data.get("activate_output", True),
            layer_norm=bool(data.get("is_layer_norm", False)),
            dropout=data.get("dropout_structure") or _older_dropout(data),
        )
        networks = {}
        for width, states in data.items():
            if isinstance(width, int):
                pair = (ContextNetwork(width, settings), ContextNetwork(width, settings))
                for network, state in zip(pair, states, strict=True):
                    network.load_state_dict({_todays_name(n): t for n, t in state.items()})
                    network.strength = weight
                networks[width] = pair
    except Exception as error:
        raise ConfigError(f"{path.name} cannot be read as a hypernetwork: {error}") from error
    return networks


def _older_dropout(data: dict[Any, Any]) -> list[float]:
    """Return the dropout of files that only say that there is some: 0.3 after inner layers."""
    if not data.get("use_dropout", False):
        return []
    inner = len(data.get("layer_structure") or [1, 2, 1]) - 2
    shares = [0.3] * inner
    if not data.get("last_layer_dropout", False):
        shares[-1:] = [0.0]
    return [0.0, *shares, 0.0]


def _todays_name(name: str) -> str:
    """Return the name that a tensor has in A1111's files since November 2022."""
    layer, _, kind = name.rpartition(".")
    return f"{OLDER_LAYERS.get(layer, layer)}.{kind}"


def _known_activation(name: str | None) -> Any:
    lowered = (name or "linear").lower()
    if lowered != "linear" and lowered not in ACTIVATIONS:
        raise ValueError(f"the activation {name} is not known")
    return lowered
