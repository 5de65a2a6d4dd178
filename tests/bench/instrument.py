"""Runs a trainer, ours or a peer's, and writes down what the process has used after each step.

    python instrument.py --marks FILE [--stop-after N] [--count-in N] [--set module:NAME=JSON ...]
        (PROGRAM.py | -m MODULE) [arguments ...]

Started by its path under the peer's own Python, so nothing of this project is imported. A step is
a step of an optimizer of torch, which every trainer here has; each leaves one JSON line in FILE:
{"step", "cpu_seconds" (of this process and its ended children), "peak_bytes"}. With `--count-in N`
the step N leaves {"operations", "syncs"} too: what torch dispatches, views left out, and how often
the host waits for a value. With `--stop-after` the process ends there, before it saves anything.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import runpy
import sys
import time
import types
from pathlib import Path
from typing import Any


class Marks:
    """The file of marks, written as the steps go by."""

    def __init__(self, path: Path, *, stop_after: int, count_in: int) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._stop_after = stop_after
        self._count_in = count_in
        self._counting: Any = None
        self._step = 0

    def after_step(self, *_: Any) -> None:
        """Write the mark of a step; called by torch after each step of an optimizer."""
        self._step += 1
        self.write(step=self._step, cpu_seconds=cpu_seconds(), peak_bytes=peak_bytes())
        if self._step == self._count_in:
            self.write(**self._counting.end())
        if self._step == self._count_in - 1:
            self._counting = counting_mode()
        if self._step == self._stop_after:
            sys.stdout.flush()
            os._exit(0)

    def write(self, **values: Any) -> None:
        """Write one line, whole."""
        self._file.write(json.dumps(values) + "\n")
        self._file.flush()


def cpu_seconds() -> float:
    """Return the CPU seconds of this process, all its threads, and its ended children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def peak_bytes() -> int:
    """Return the most memory that the process has had resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def counting_mode() -> Any:
    """Return a running count of what torch dispatches, from here to the call of its `end`."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counting(TorchDispatchMode):
        """Counts operations that compute something, and those for which the host waits."""

        operations = 0
        syncs = 0

        def __torch_dispatch__(
            self, func: Any, _types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            self.operations += not func.is_view
            self.syncs += func._schema.name == "aten::_local_scalar_dense"
            return func(*args, **(kwargs or {}))

        def end(self) -> dict[str, int]:
            """Stop counting and return the counts."""
            self.__exit__(None, None, None)
            return {"operations": self.operations, "syncs": self.syncs}

    mode = Counting()
    mode.__enter__()
    return mode


def set_constant(assignment: str) -> None:
    """Give a module's constant another value, as `module:NAME=JSON` says."""
    place, _, value = assignment.partition("=")
    module, _, name = place.partition(":")
    setattr(importlib.import_module(module), name, json.loads(value))


def allow_torchvision_without_kernels() -> None:
    """Let torchvision be imported where its compiled part does not fit this torch.

    The trainers only use its transforms, which are plain torch; what is left out here declares the
    compiled operators' shapes and stops the import where they are absent.
    """
    name = "torchvision._meta_registrations"
    sys.modules[name] = types.ModuleType(name)


def main() -> None:
    """Run the program named on the command line under the marks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--marks", type=Path, required=True)
    parser.add_argument("--stop-after", type=int, default=0)
    parser.add_argument("--count-in", type=int, default=0)
    parser.add_argument("--set", dest="constants", action="append", default=[])
    parser.add_argument("-m", dest="module", default="")
    parser.add_argument("program", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    allow_torchvision_without_kernels()
    marks = Marks(options.marks, stop_after=options.stop_after, count_in=options.count_in)
    watch_optimizers(marks)
    if options.module:
        sys.path[0] = str(Path.cwd())
        sys.argv = [options.module, *options.program]
        runpy.run_module(options.module, run_name="__main__", alter_sys=True)
        return
    program = options.program[0]
    sys.path[0] = str(Path(program).resolve().parent)
    for assignment in options.constants:
        set_constant(assignment)
    sys.argv = options.program
    runpy.run_path(program, run_name="__main__")


def watch_optimizers(marks: Marks) -> None:
    """Have torch call us after each step of any optimizer, once the program has loaded it.

    Torch is not imported here: when it is loaded is a part of what is measured.
    """
    import importlib.abc
    import importlib.machinery

    class Watch(importlib.abc.MetaPathFinder):
        def find_spec(self, name: str, *_: Any) -> None:
            if name == "torch.optim.adamw":  # loaded after the module that has the hook
                from torch.optim.optimizer import register_optimizer_step_post_hook

                sys.meta_path.remove(self)
                register_optimizer_step_post_hook(marks.after_step)

    sys.meta_path.insert(0, Watch())


if __name__ == "__main__":
    main()
