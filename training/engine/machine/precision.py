"""Device, number format and memory choices in one place.

`choose(machine, …)` is a pure function of a described machine, so every choice is tested without
the hardware; `describe_machine()` looks at, and where names lie measures, the machine at hand.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Dtype = Literal["fp32", "fp16", "bf16"]
GIB = 2**30
# A CPU must multiply this much faster in bf16 before we leave fp32: casts and small layers eat
# most of the gain, so unasked only where it is large.
BF16_GAIN_UNASKED = 3.0
BF16_GAIN_ASKED = 1.5


@dataclass(frozen=True)
class Machine:
    """What decides the choices; memory in bytes, the two speeds in any common unit."""

    cuda: bool
    cuda_name: str = ""
    cuda_capability: tuple[int, int] = (0, 0)
    cuda_memory: int = 0
    cores: int = 1
    cpu_fp32_speed: float = 1.0
    cpu_bf16_speed: float = 0.0


@dataclass(frozen=True)
class Precision:
    """The choices for a run; `notes` are sentences for the person who asked otherwise."""

    device: Literal["cpu", "cuda"]
    compute: Dtype
    use_scaler: bool
    threads: int
    checkpointing: bool
    notes: tuple[str, ...] = ()
    estimated_bytes: int = 0  # the memory that the run is thought to take

    @property
    def autocast(self) -> bool:
        """Tell whether passes run under autocast."""
        return self.compute != "fp32"


def choose(
    machine: Machine,
    *,
    device: str = "auto",
    mixed_precision: str = "auto",
    checkpointing: bool | None = None,
    estimated_bytes: int = 0,
) -> Precision:
    """Choose for a machine; what was asked is kept unless it would be wrong or crawl."""
    notes: list[str] = []
    use_cuda = machine.cuda and device != "cpu"
    if device == "cuda" and not machine.cuda:
        notes.append("There is no CUDA device here, so the run trains on the CPU.")
    compute = _cuda_format(machine, mixed_precision, notes) if use_cuda else None
    compute = compute or _cpu_format(machine, mixed_precision, notes)
    tight = use_cuda and machine.cuda_memory > 0 and estimated_bytes > 0.9 * machine.cuda_memory
    if checkpointing is None and tight:
        notes.append(
            "The estimate is above the memory of the card, so gradient checkpointing is on."
        )
    return Precision(
        device="cuda" if use_cuda else "cpu",
        compute=compute,
        use_scaler=compute == "fp16",
        threads=machine.cores,
        checkpointing=tight if checkpointing is None else checkpointing,
        notes=tuple(notes),
        estimated_bytes=estimated_bytes,
    )


def _cuda_format(machine: Machine, asked: str, notes: list[str]) -> Dtype:
    has_bf16 = machine.cuda_capability >= (8, 0)
    broken_fp16 = "GTX 16" in machine.cuda_name
    if asked == "no":
        return "fp32"
    if asked == "bf16" and not has_bf16:
        notes.append("This card has no fast bf16, so the run trains in fp16 with a scaler.")
    if has_bf16:
        return "fp16" if asked == "fp16" else "bf16"
    if broken_fp16:
        notes.append("Cards of the GTX 16 series make NaN in fp16, so the run trains in fp32.")
        return "fp32"
    return "fp16"


def _cpu_format(machine: Machine, asked: str, notes: list[str]) -> Dtype:
    gain = machine.cpu_bf16_speed / machine.cpu_fp32_speed
    if gain >= (BF16_GAIN_ASKED if asked == "bf16" else BF16_GAIN_UNASKED) and asked != "no":
        return "bf16"
    if asked in ("bf16", "fp16"):
        notes.append(
            f"This CPU gains too little from {asked} (measured), so the run trains in fp32."
        )
    return "fp32"


def describe_machine(*, measure_bf16: bool = True) -> Machine:
    """Look at this machine; the bf16 speed of the CPU is measured, which takes up to 0.15 s."""
    import torch

    cores = _usable_cores()
    if torch.cuda.is_available():
        index = torch.cuda.current_device()
        properties = torch.cuda.get_device_properties(index)
        return Machine(
            cuda=True,
            cuda_name=properties.name,
            cuda_capability=(properties.major, properties.minor),
            cuda_memory=properties.total_memory,
            cores=cores,
        )
    speeds = _cpu_speeds() if measure_bf16 else (1.0, 0.0)
    return Machine(cuda=False, cores=cores, cpu_fp32_speed=speeds[0], cpu_bf16_speed=speeds[1])


def _usable_cores() -> int:
    asked = os.environ.get("OMP_NUM_THREADS", "")
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(int(asked), allowed or 1)) if asked.isdigit() else max(1, allowed or 1)


def _cpu_speeds() -> tuple[float, float]:
    import torch

    def seconds(dtype: torch.dtype, hopeless: float = float("inf")) -> float:
        """The best of six: the first ones pay for set-up. Two do where they are hopeless."""
        matrix = torch.ones(384, 384, dtype=dtype)
        best = float("inf")
        for attempt in range(6):
            start = time.thread_time()
            matrix @ matrix
            best = min(best, time.thread_time() - start)
            if attempt and best > hopeless:
                break
        return max(best, 1e-9)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        fp32 = seconds(torch.float32)
        return 1.0 / fp32, 1.0 / seconds(torch.bfloat16, hopeless=4 * fp32)
    finally:
        torch.set_num_threads(threads)


def set_threads(precision: Precision) -> None:
    """Let torch have the threads of a run."""
    import torch

    torch.set_num_threads(precision.threads)


@contextmanager
def without_denormals() -> Iterator[None]:
    """Let the CPU take numbers next to zero for zero: a small model crawls with them.

    The process may go on to something else, so it has them again afterwards.
    """
    import torch

    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def torch_dtype(name: str) -> torch.dtype:
    """Return torch's dtype for fp32, fp16 or bf16."""
    import torch

    return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[name]
