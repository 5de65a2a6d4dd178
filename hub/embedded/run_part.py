"""One part of the site in this process: `python -m hub.embedded.run_part web`.

What a container runs. The commands are those of the one-command machine, so that a flag is written
once; starting again, order and addresses of servers are the container runtime's business.
"""

import argparse
import os
import sys
from pathlib import Path

from hub.embedded.config import read_config
from hub.embedded.errors import EmbeddedError
from hub.embedded.parts import SiteParts
from hub.embedded.process import Command
from hub.embedded.state import Home

PARTS = ("web", "cpu", "gpu", "beat", "prepare")


def command_of(name: str, parts: SiteParts) -> Command:
    """Return the command of a part."""
    commands = {
        "web": lambda: parts.web().command,
        "cpu": lambda: parts.cpu_worker().command,
        "gpu": lambda: parts.gpu_worker().command,
        "beat": lambda: parts.clock().command,
        "prepare": parts.prepare,
    }
    return commands[name]()


def main(name: str) -> None:
    """Become the part. Raises EmbeddedError when a setting is wrong or the folder not ours."""
    config = read_config(os.environ)
    Home(config.home).create()
    scratch = config.home / "scratch"
    scratch.mkdir(mode=0o700, exist_ok=True)
    env = {
        # A temporary file may be as large as a model; a container's /tmp is often memory.
        "TMPDIR": str(scratch),
        **os.environ,
        "ATELIER_HOME": str(config.home),
        "PYTHONUNBUFFERED": "1",
    }
    command = command_of(name, SiteParts(config, config.port, env))
    os.chdir(command.cwd)
    os.execve(Path(command.argv[0]), command.argv, dict(command.env))  # noqa: S606


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m hub.embedded.run_part", description=__doc__)
    parser.add_argument("part", choices=PARTS)
    try:
        main(parser.parse_args().part)
    except EmbeddedError as error:
        sys.exit(error.message)
