"""Why an attempt ended without a result, and whether another try can help."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from training.engine.events import Failed
from training.jobs.services.lifecycle import Failure

EXIT_FAILED = 1
EXIT_USAGE = 2
PASSING_CODES = frozenset({"disk_full", "device_busy"})


class PermanentFailureError(Exception):
    """Trying again would end the same way."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(code, message)


class TransientFailureError(Exception):
    """Trying again may help."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(code, message)


@dataclass(frozen=True)
class TrainerEnd:
    """How a trainer ended: exit code (negative: the signal), its last word, its last lines."""

    exit_code: int
    failed: Failed | None
    last_lines: tuple[str, ...]


def error_of(end: TrainerEnd) -> PermanentFailureError | TransientFailureError:
    """The failure that an end without a result stands for."""
    if end.failed is not None and end.failed.code not in PASSING_CODES:
        return PermanentFailureError(end.failed.code, end.failed.message)
    if end.exit_code == EXIT_USAGE:
        return PermanentFailureError("invalid_config", _last(end) or "The settings do not fit.")
    if end.exit_code < 0:
        return TransientFailureError("trainer_killed", _killed_by(-end.exit_code))
    if end.failed is not None:
        return TransientFailureError(end.failed.code, end.failed.message)
    return TransientFailureError(
        "trainer_crashed",
        f"The trainer ended with code {end.exit_code}. Its last line: {_last(end) or 'none'}",
    )


def _killed_by(number: int) -> str:
    if number == signal.SIGKILL:
        return (
            "The trainer was killed from outside. When this repeats, the machine has too little "
            "memory: lower the batch size or the resolution."
        )
    return f"The trainer was ended by signal {number}."


def _last(end: TrainerEnd) -> str:
    return next((line for line in reversed(end.last_lines) if line.strip()), "")
