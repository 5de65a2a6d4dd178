"""Errors of the engine: what happened, what it means, what to do, under a stable code."""

from __future__ import annotations


class EngineError(Exception):
    """A run cannot start or cannot go on; `code` is stable, `str(error)` is for a person."""

    code = "engine_error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class ConfigError(EngineError):
    """The settings contradict each other, the pictures or the base model."""

    code = "invalid_config"


class DatasetError(EngineError):
    """The manifest or its pictures cannot be used."""

    code = "invalid_dataset"


class BaseModelError(EngineError):
    """The base model cannot be read or is of a kind that the engine does not train."""

    code = "invalid_base_model"


class StateError(EngineError):
    """A saved state does not belong to this run."""

    code = "invalid_state"


class NonFiniteLossError(EngineError):
    """The loss became infinite or not a number; the last good state is kept."""

    code = "non_finite_loss"


class OutOfMemoryError(EngineError):
    """The device has too little memory even after everything that saves some."""

    code = "out_of_memory"
