"""What of a checkpoint is kept: no optimizer's leftovers, and the running average as asked."""

from __future__ import annotations

from typing import Literal

from training.engine.errors import ConfigError
from training.engine.files.lazy_tensors import LazyTensors

Ema = Literal["keep", "drop", "use"]
EMA = "model_ema."
EMA_COUNTERS = ("model_ema.decay", "model_ema.num_updates")
LEFTOVERS = (
    "optimizer", "lr_schedulers", "callbacks", "loss.", "first_stage_model.loss.", "loops.",
    "first_stage_model.model_ema.",
)  # fmt: skip


def pruned(tensors: LazyTensors, ema: Ema) -> LazyTensors:
    """Return a checkpoint without training leftovers; its running average kept, dropped or used.

    Raises ConfigError where the average is asked for and there is none.
    """
    kept = {n: t for n, t in tensors.items() if not n.startswith(LEFTOVERS)}
    if ema == "keep":
        return kept
    plain = {n: t for n, t in kept.items() if not n.startswith(EMA)}
    if ema == "drop":
        return plain
    averages = {n: t for n, t in kept.items() if n.startswith(EMA) and n not in EMA_COUNTERS}
    if not averages:
        raise ConfigError(
            "This checkpoint holds no running average (EMA), so there is none to use. "
            "Choose to drop or keep it."
        )
    return {name: averages.get(ema_name(name), tensor) for name, tensor in plain.items()}


def ema_name(name: str) -> str:
    """Return the name of a tensor's running average: the same without `model.` and dots."""
    return EMA + name.removeprefix("model.").replace(".", "")
