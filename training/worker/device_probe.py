"""Run as a process: prints what torch computes on as JSON, null where that is the CPU."""

from __future__ import annotations

import json
import sys


def main() -> None:
    """Ask torch for its first GPU."""
    import torch

    found = None
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        found = {
            "device": "cuda",
            "device_name": properties.name,
            "memory_bytes": properties.total_memory,
        }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
