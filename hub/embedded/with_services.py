"""Run a command with real services: `python -m hub.embedded.with_services COMMAND ...`."""

import os
import subprocess
import sys

from hub.embedded.testing import ensure_services, stop_services


def main(argv: list[str]) -> int:
    """Return the exit code of the command."""
    ensure_services()
    try:
        return subprocess.run(argv, check=False, env=os.environ).returncode  # noqa: S603
    finally:
        stop_services()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
