"""The training methods, one in each file: what the file is called is what settings call it."""

from __future__ import annotations

from importlib import import_module

from training.engine.config.train import TrainConfig
from training.engine.method import Method


def make_method(config: TrainConfig) -> Method:
    """Return the method that the settings name.

    Raises ConfigError where its own settings do not fit, TypeError for a file that is no method.
    """
    module = import_module(f"{__name__}.{config.method}")
    found = [one for one in vars(module).values() if _is_method_of(one, module.__name__)]
    if len(found) != 1:
        raise TypeError(f"{module.__file__} has to hold one Method, and holds {len(found)}.")
    method: Method = found[0](config)
    return method


def _is_method_of(thing: object, module: str) -> bool:
    return isinstance(thing, type) and issubclass(thing, Method) and thing.__module__ == module
