"""The machine that the figures are of."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path


def describe() -> str:
    """Return the machine as one JSON line."""
    import torch

    flags = _cpu("flags")
    wanted = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "sha_ni")
    return json.dumps(
        {
            "machine": _cpu("model name"),
            "cores": os.cpu_count(),
            "has": [flag for flag in wanted if flag in flags.split()],
            "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
            "load": [round(value, 1) for value in os.getloadavg()],
            "python": platform.python_version(),
            "torch": torch.__version__,
        }
    )


def _cpu(key: str) -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = (line.partition(":")[2].strip() for line in lines if line.startswith(key))
    return next(found, platform.processor())
