"""Converting a pickle to safetensors in a locked-down process of its own.

The process that asks never reads the pickle's structure; it gives a child two open files and waits.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from hub.formats.conversion.lockdown import FORBIDDEN_STATUS, Allowance
from hub.formats.conversion.problems import (
    BY_CODE,
    DIED,
    OUT_OF_TIME,
    ConversionError,
)
from hub.formats.errors import FormatError
from hub.formats.safetensors_header import HeaderLimits, SafetensorsHeader, read_header

PROJECT = Path(__file__).resolve().parents[3]
START = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from hub.formats.conversion.child import main; main()"
)
ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True)
class ConversionLimits:
    """What one conversion may use; seconds of processor and of the clock."""

    allowance: Allowance
    timeout_seconds: float
    max_tensors: int = 100_000
    header: HeaderLimits = field(default_factory=HeaderLimits)


def convert_pickle(
    source: Path, target: Path, *, limits: ConversionLimits, about: Mapping[str, str]
) -> SafetensorsHeader:
    """Write the weights of a torch file to `target` as safetensors; returns the checked header.

    `about` is added to the metadata. Raises ConversionError, and then leaves no target. What the
    child wrote is trusted no more than an upload: its header is validated here.
    """
    try:
        with source.open("rb") as reading, target.open("xb") as writing:
            answer = _run(reading, writing, limits, about)
        if "problem" in answer:
            raise _error(answer)
        return read_header(target, limits=limits.header)
    except FormatError as error:
        target.unlink(missing_ok=True)
        if isinstance(error, ConversionError):
            raise
        raise ConversionError(DIED, reason=str(error)) from error


def _run(
    reading: IO[bytes], writing: IO[bytes], limits: ConversionLimits, about: Mapping[str, str]
) -> dict[str, object]:
    order = {
        "output": writing.fileno(),
        "allowance": asdict(limits.allowance),
        "max_tensors": limits.max_tensors,
        "about": dict(about),
    }
    command = [sys.executable, "-I", "-S", "-B", "-c", START, str(PROJECT), json.dumps(order)]
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603  our own interpreter and our own module
            command,
            stdin=reading,
            stdout=said,
            stderr=subprocess.DEVNULL,
            pass_fds=[writing.fileno()],
            cwd=empty,
            env={},
            start_new_session=True,
        )
        try:
            status = process.wait(limits.timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise ConversionError(OUT_OF_TIME) from error
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        said.seek(0)
        return _answer(status, said.read(ANSWER_BYTES))


def _answer(status: int, text: bytes) -> dict[str, object]:
    if status in {-signal.SIGXCPU, -signal.SIGKILL}:
        raise ConversionError(OUT_OF_TIME)
    if status == FORBIDDEN_STATUS:
        raise ConversionError(DIED, reason="it tried to do what is forbidden")
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if status != 0 or not isinstance(answer, dict):
        raise ConversionError(DIED, reason=f"status {status}")
    return answer


def _error(answer: dict[str, object]) -> ConversionError:
    problem = BY_CODE.get(str(answer["problem"]), DIED)
    params = answer.get("params")
    if not isinstance(params, dict):
        params = {}
    try:
        return ConversionError(problem, **{str(key): str(value) for key, value in params.items()})
    except (LookupError, TypeError):
        return ConversionError(DIED, reason="an answer that is not one")
