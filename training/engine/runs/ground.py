"""What a run stands on before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass

from training.engine.components import Components
from training.engine.config.train import TrainConfig
from training.engine.machine.precision import Precision
from training.engine.machine.processes import Processes
from training.engine.runs.outputs import RunFolder


@dataclass(frozen=True)
class Ground:
    """The settings, the folder of the run, the base model, and how this machine computes."""

    config: TrainConfig
    run: RunFolder
    components: Components
    precision: Precision
    among: Processes
