"""How a program of the worker tells: JSON lines on standard output, one failure line at most."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from training.engine.errors import EngineError
from training.engine.machine.environment import choose_for_torch
from training.engine.machine.lifetime import load_torch

EXIT_FAILED = 1
Tell = Callable[..., None]


def run_plan(plan_path: str, draw: Callable[[dict[str, Any], Tell], None]) -> int:
    """Draw a JSON plan; returns the exit code: 0 done, 1 after a line {"failed", "message"}."""
    choose_for_torch()
    load_torch()
    tell = _own_output()
    plan = json.loads(Path(plan_path).read_text(encoding="utf-8"))
    try:
        draw(plan, tell)
    except EngineError as error:
        tell(failed=error.code, message=str(error))
        return EXIT_FAILED
    except Exception as error:
        # As in training: what the engine does not know would end the same way again.
        traceback.print_exc()
        tell(failed="internal_error", message=f"{type(error).__name__}: {error}")
        return EXIT_FAILED
    return 0


def _own_output() -> Tell:
    """Standard output for ourselves; what libraries print goes to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(**data: Any) -> None:
        out.write(json.dumps(data) + "\n")
        out.flush()

    return tell


def plan_from_arguments() -> str:
    """The path of the plan, the program's only argument."""
    return sys.argv[1]
