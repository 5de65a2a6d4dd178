"""The training methods by name; a new one is a file, a row here and its name in TrainConfig."""

from __future__ import annotations

from training.engine.config.train import TrainConfig
from training.engine.methods.base import Method
from training.engine.methods.dreambooth import DreamBoothMethod
from training.engine.methods.hypernetwork import HypernetworkMethod
from training.engine.methods.lora import LoraMethod
from training.engine.methods.textual_inversion import TextualInversionMethod

METHODS: dict[str, type[Method]] = {
    cls.name: cls
    for cls in (LoraMethod, DreamBoothMethod, TextualInversionMethod, HypernetworkMethod)
}


def make_method(config: TrainConfig) -> Method:
    """Return the method that the settings name."""
    return METHODS[config.method](config)
