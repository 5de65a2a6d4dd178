"""What a run says while it runs: numbered facts that survive as JSON lines. Torch-free.

`to_dict()` and `event_from_dict()` are inverse. A Listener gets each event after it has been
written to events.jsonl; a Control is asked between two steps what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Literal, Protocol, Self, runtime_checkable

Command = Literal["save", "stop", "pause", "cancel", "sample"]
COMMANDS: tuple[Command, ...] = ("save", "stop", "pause", "cancel", "sample")


class Listener(Protocol):
    """Takes the events of a run, in order of their sequence."""

    def on_event(self, event: Event) -> None:
        """Handle one event; an error raised here ends the sitting at the last saved state."""


class Control(Protocol):
    """Says between two steps whether the run should do something else."""

    def command(self) -> Command | None:
        """Return the next command once, or None.

        save: write a state and a checkpoint now. sample: make the samples now. stop: end here and
        keep the result. pause: save the state and return. cancel: return without a result.
        """


LeavingCommand = Literal["pause", "cancel"]


@runtime_checkable
class Leaving(Protocol):
    """A control that says at any time, not between two steps alone, that the run is to end."""

    @property
    def leaving(self) -> LeavingCommand | None:
        """Return pause or cancel where one of them waits, or the process is to end; else None."""


class NoListener:
    """A listener that nobody is behind."""

    def on_event(self, event: Event) -> None:
        """Let the event go."""


class NoControl:
    """A control that never asks for anything."""

    def command(self) -> Command | None:
        """Return None."""
        return None


@dataclass(frozen=True, kw_only=True)
class Event:
    """A numbered fact; `sequence` counts from 1 in a run folder, `at` is in Unix seconds."""

    kind: ClassVar[str] = "event"
    sequence: int = 0
    at: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that json.dumps takes, with the kind under "event"."""
        return {"event": self.kind, **asdict(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Build the event from its plain data; fields this version does not know are left out."""
        known = {item.name for item in fields(cls)}
        return cls(**{key: value for key, value in data.items() if key in known})


@dataclass(frozen=True, kw_only=True)
class Started(Event):
    """Training begins or goes on; `step` steps are already done.

    `buckets` counts the pictures of an epoch by size ("512x768"), `memory_estimate` is in bytes.
    """

    kind: ClassVar[str] = "started"
    method: str
    step: int
    total_steps: int
    epochs: int
    steps_per_epoch: int
    images: int
    regularisation_images: int
    trainable_parameters: int
    device: str
    precision: str
    threads: int
    engine_version: str
    resumed: bool
    buckets: dict[str, int] = field(default_factory=dict)
    memory_estimate: int = 0


@dataclass(frozen=True, kw_only=True)
class Stage(Event):
    """Work before or between steps; `stage` is a stable word, `detail` a sentence for people.

    Stages: loading_base, reading_images, caching_latents, caching_text, making_class_images,
    compiling, training, validating, sampling, saving, exporting.
    """

    kind: ClassVar[str] = "stage"
    stage: str
    done: int = 0
    total: int = 0
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Stepped(Event):
    """One step of the optimizer was taken; `step` counts from 1, `memory` is in bytes."""

    kind: ClassVar[str] = "stepped"
    step: int
    total_steps: int
    epoch: int
    loss: float
    learning_rates: dict[str, float]
    steps_per_second: float
    eta_seconds: float
    memory: int
    gradient_norm: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Validated(Event):
    """The held-out pictures were measured after `step` steps, at fixed noise and noise levels."""

    kind: ClassVar[str] = "validated"
    step: int
    total_steps: int
    epoch: int
    loss: float
    images: int


@dataclass(frozen=True, kw_only=True)
class Previewed(Event):
    """A sample picture was written; `path` is relative to the run folder."""

    kind: ClassVar[str] = "previewed"
    path: str
    prompt_index: int
    prompt: str
    negative: str
    seed: int
    epoch: int
    step: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Checkpointed(Event):
    """A finished file was written; `path` is relative to the run folder, `loss` a mean."""

    kind: ClassVar[str] = "checkpointed"
    path: str
    epoch: int
    step: int
    sha256: str
    size_bytes: int
    loss: float
    final: bool = False


@dataclass(frozen=True, kw_only=True)
class Warned(Event):
    """Something was not as asked, and the run went on; `code` is stable."""

    kind: ClassVar[str] = "warned"
    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Finished(Event):
    """The run is over with a result; `reason` is completed or stopped (kept as it was)."""

    kind: ClassVar[str] = "finished"
    reason: str
    step: int
    total_steps: int
    path: str
    sha256: str
    loss: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Suspended(Event):
    """The run ended without a result; `reason` is paused (can be resumed) or cancelled."""

    kind: ClassVar[str] = "suspended"
    reason: str
    step: int
    total_steps: int


@dataclass(frozen=True, kw_only=True)
class Failed(Event):
    """The run could not go on; the last good state is kept. `code` is stable."""

    kind: ClassVar[str] = "failed"
    code: str
    message: str
    step: int = 0
    context: dict[str, Any] = field(default_factory=dict)


EVENT_KINDS: dict[str, type[Event]] = {
    cls.kind: cls
    for cls in (
        Started,
        Stage,
        Stepped,
        Validated,
        Previewed,
        Checkpointed,
        Warned,
        Finished,
        Suspended,
        Failed,
    )
}


def event_from_dict(data: Mapping[str, Any]) -> Event:
    """Build the event that `to_dict` described; raises KeyError for an unknown kind."""
    return EVENT_KINDS[data["event"]].from_dict(data)
