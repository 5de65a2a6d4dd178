"""Where the layers of a model stand, by the names that LoRA files have for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

from training.engine.adapters.weights import WeightAdapter
from training.engine.components import Components
from training.engine.files.unet_names import ldm_module_path
from training.engine.methods.hypernetwork import ChangedProjection
from training.engine.stand_ins import layer_behind
from training.engine.text import inner_text_model


@dataclass(frozen=True)
class Place:
    """A child of a module: a layer, or what stands in its place."""

    parent: nn.Module
    name: str

    @property
    def module(self) -> Any:
        """Return what stands there now."""
        return self.parent.get_submodule(self.name)

    @property
    def layer(self) -> Any:
        """Return the layer with the weights of the base."""
        return layer_behind(self.module)

    def put(self, module: nn.Module) -> None:
        """Let a module stand there."""
        self.parent.set_submodule(self.name, module)


def places_by_name(components: Components) -> dict[str, Place]:
    """Return the place of every layer with weights by its names in LoRA files (diffusers, sgm)."""
    found: dict[str, Place] = {}
    for path, place in _places(components.unet):
        original = ldm_module_path(path, components.unet.config)
        for name in (path, original):
            found["lora_unet_" + name.replace(".", "_")] = place
    for number, encoder in enumerate(components.text_encoders):
        prefixes = {components.architecture.text_prefixes[number], f"lora_te{number + 1}"}
        named = {
            "text_model_" + path.replace(".", "_"): place
            for path, place in _places(inner_text_model(encoder))
        }
        if hasattr(encoder, "text_projection"):
            named["text_projection"] = Place(encoder, "text_projection")
        for name, place in named.items():
            if isinstance(place.layer, nn.Linear):
                found |= {f"{prefix}_{name}": place for prefix in prefixes}
    return found


def _places(module: nn.Module, above: str = "") -> Iterator[tuple[str, Place]]:
    """Yield the paths and places of all layers.

    The place is inside what changes only a layer's input, or makes a weight of the layer's own.
    """
    for name, child in module.named_children():
        path, place = f"{above}{name}", Place(module, name)
        while isinstance(place.module, ChangedProjection | WeightAdapter):
            inside = "base" if isinstance(place.module, WeightAdapter) else "projection"
            place = Place(place.module, inside)
        if layer_behind(child) is None:
            yield from _places(child, f"{path}.")
        else:
            yield path, place
