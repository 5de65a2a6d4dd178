"""Everything a run holds between its first and its last step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property, partial

from training.engine.components import Components
from training.engine.config.train import TrainConfig
from training.engine.machine.compiling import plainly
from training.engine.machine.processes import Processes
from training.engine.method import Method
from training.engine.runs.aside import Aside, fits_beside
from training.engine.runs.metadata import RunFacts
from training.engine.runs.outputs import RunFolder
from training.engine.runs.progress import Progress
from training.engine.runs.state import SavedState, state_bytes, state_of_now
from training.engine.runs.stepping import Stepper
from training.engine.runs.validation import Validation
from training.engine.samples.resource_library import ResourceLibrary
from training.engine.samples.twin import Twin
from training.engine.text import TextConditioner


@dataclass
class Session:
    """A run that is ready to take its next step."""

    config: TrainConfig
    run: RunFolder
    components: Components
    conditioner: TextConditioner
    method: Method
    stepper: Stepper
    progress: Progress
    facts: RunFacts
    total_steps: int
    steps_per_epoch: int
    validation: Validation | None = None
    among: Processes = field(default_factory=Processes)
    library: ResourceLibrary = field(default_factory=ResourceLibrary)
    aside: Aside = field(default_factory=Aside)
    _twin: Twin | None = None

    @property
    def step(self) -> int:
        """Return the number of steps that are done."""
        return self.progress.position.step

    @property
    def epoch(self) -> int:
        """Return the epoch at hand, counted from 1."""
        return max(1, -(-self.step // self.steps_per_epoch))

    @cached_property
    def trained_bytes(self) -> int:
        """Return the size of what is trained."""
        return sum(p.numel() * p.element_size() for p in self.method.named_parameters().values())

    def twin(self) -> Twin | None:
        """Return what samples are drawn with beside the steps, at the weights they are to show.

        None where a second copy of what is trained does not fit. Not while something is drawn.
        """
        if self._twin is None:
            if not fits_beside(self.trained_bytes, self.components.device):
                return None
            trained = self.method.named_parameters()
            with self.evaluating():
                self._twin = Twin(self.components, self.conditioner, trained)
        self._twin.follow(self.stepper.ema.average if self.stepper.ema else None)
        return self._twin

    @contextmanager
    def shown_weights(self) -> Iterator[None]:
        """Put the running average in place for a while, where there is one."""
        ema = self.stepper.ema
        with ema.in_place() if ema is not None else nullcontext():
            if ema is not None:
                self.conditioner.forget()
            yield
        if ema is not None:
            self.conditioner.forget()

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Switch dropout off for a while, and compiled parts."""
        self.method.set_training(training=False)
        try:
            with plainly() if self.config.compile else nullcontext():
                yield
        finally:
            self.method.set_training(training=True)

    def save(self) -> None:
        """Write the resumable state, the same in all processes; beside the steps where it can be.

        What was told to be written or drawn before comes first: a run that goes on from a state
        does not make it again.
        """
        self.progress.flush()
        if not self.among.is_first:
            return
        self.aside.settle()
        ema = self.stepper.ema
        size = state_bytes(self.trained_bytes, average=ema is not None)
        beside = fits_beside(size, "cpu")
        write = state_of_now(
            self.progress.position,
            weights=self.method.state_dict(),
            average=ema.average if ema else None,
            optimizer=self.stepper.optimizing.optimizer,
            scaler=self.stepper.scaler.state_dict(),
            copied=beside,
        )
        if beside:
            self.aside.files.start(partial(write, self.run.state_path))
        else:
            write(self.run.state_path)

    def restore(self, saved: SavedState) -> None:
        """Go on from a state that `save` wrote."""
        self.method.load_state_dict(saved.part("weights"))
        if self.stepper.ema is not None:
            self.stepper.ema.load_state_dict(saved.part("average"))
        saved.load_optimizer(self.stepper.optimizing.optimizer)
        if saved.position.scalars["scaler"]:
            self.stepper.scaler.load_state_dict(saved.position.scalars["scaler"])
        self.progress.position = saved.position
