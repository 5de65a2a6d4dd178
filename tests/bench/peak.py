"""How much of what one core can multiply a step of ours uses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.bench.rows import Result
from tests.bench.running import environment, run
from tests.bench.trainers import PROJECT, Program, Setting, ours, ours_config

TIMEOUT_SECONDS = 1800.0


def share_of_peak(setting: Setting, *, steps: int, timeout_seconds: float) -> Result:
    """Compare a step's FLOPs and CPU seconds with the best product of matrices on this core."""
    name = f"{setting.base.geometry.name} {setting.size} px: share of one core's matrix peak"
    flops, peak = _ask(setting)
    done = run(ours(setting, train_text_encoder=True), steps=steps, timeout_seconds=timeout_seconds)
    reached = flops / done.step
    note = f"{flops / 1e9:.0f} GFLOP a step; peak {peak / 1e9:.1f} GFLOP/s"
    return Result(
        name, ours=reached / 1e9, peer=peak / 1e9, ratio=reached / peak, must=0.68, strive=0.80,
        at_least=True, note=note,
    )  # fmt: skip


def _ask(setting: Setting) -> tuple[float, float]:
    """Count and measure in a process of its own, on one thread."""
    folder = setting.new_folder("flops")
    config = ours_config(setting, train_text_encoder=True)
    (folder / "run.toml").write_text(config.to_toml(), encoding="utf-8")
    arguments = ("-m", "tests.bench.peak", str(folder))
    program = Program("flops", Path(sys.executable), arguments, PROJECT)
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env=environment(program),
        capture_output=True,
        check=True,
        timeout=TIMEOUT_SECONDS,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return float(found["flops"]), float(found["peak"])


def measured_peak() -> float:
    """Return the FLOP/s of the best of several products in float32, by CPU time of this thread."""
    import time

    import torch

    torch.set_num_threads(1)
    best = 0.0
    for size in (512, 768, 1024):
        a = torch.randn(size, size)
        for _ in range(12):
            began = time.thread_time()
            a @ a
            best = max(best, 2 * size**3 / (time.thread_time() - began))
    return best


def flops_of_a_step(folder: Path) -> float:
    """Return the FLOPs of one step, passes forward and backward, as torch counts them.

    What is counted is what the model asks for, whatever the engine makes of it: adapters as peft
    computes them, convolutions with all their multiplications, attention as two products forward
    and four backward. A fused form that multiplies more must not look busier for it, one that
    multiplies less not idler; and torch counts nothing of its fused attention on a CPU.
    """
    from torch.utils.flop_counter import FlopCounterMode

    from training.engine.attention import take_plain_form
    from training.engine.config.train import TrainConfig
    from training.engine.events import Event
    from training.engine.methods import lora
    from training.engine.runs.outputs import RunFolder
    from training.engine.runs.preparation import prepare

    class Silent:
        def on_event(self, event: Event) -> None:
            """Hear nothing."""

    config = TrainConfig.from_toml(folder / "run.toml").model_copy(update={"max_steps": 2})
    lora.can_be_fused = lambda _: False
    run_folder = RunFolder(folder / "run", config.resolved(), Silent())
    session = prepare(config.resolved(), run_folder, folder / "cache")
    for model in (session.components.unet, *session.components.text_encoders):
        take_plain_form(model, sys.maxsize)
    with FlopCounterMode(display=False) as counter:
        session.stepper.step(0)
    return float(counter.get_total_flops())


if __name__ == "__main__":
    peak_now = measured_peak()
    step_flops = flops_of_a_step(Path(sys.argv[1]))
    result = {"flops": step_flops, "peak": max(peak_now, measured_peak())}
    sys.stdout.write(json.dumps(result) + "\n")
