"""Why an attempt ended without a result, and whether another try can help."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from training.engine.events import Failed
from training.engine.files.disk import is_full
from training.jobs.services.lifecycle import DISK_FULL, Failure

EXIT_FAILED = 1
EXIT_USAGE = 2
PASSING_CODES = frozenset({DISK_FULL, "device_busy"})


class PermanentFailureError(Exception):
    """Trying again would end the same way."""

    def __init__(self, code: str, message: str, **params: int | str) -> None:
        super().__init__(message)
        self.failure = Failure(code, message, params)


class TransientFailureError(Exception):
    """Trying again may help."""

    def __init__(self, code: str, message: str, **params: int | str) -> None:
        super().__init__(message)
        self.failure = Failure(code, message, params)


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
        return _killed_by(-end.exit_code)
    if end.failed is not None:
        return TransientFailureError(end.failed.code, end.failed.message)
    return TransientFailureError(
        "trainer_crashed",
        f"The trainer ended with code {end.exit_code}. Its last line: {_last(end) or 'none'}",
        exit_code=end.exit_code,
    )


def failure_of(error: Exception) -> Failure:
    """What went wrong in the worker itself, in a way that may pass."""
    if is_full(error):
        return Failure(DISK_FULL, f"The disk of the worker or of the store is full: {error}")
    return Failure("worker_error", f"The worker failed: {error!r}")


def _killed_by(number: int) -> TransientFailureError:
    if number == signal.SIGKILL:
        return TransientFailureError(
            "trainer_killed",
            "The trainer was killed from outside. When this repeats, the machine has too little "
            "memory: lower the batch size or the resolution.",
        )
    words = f"The trainer was ended by signal {number}."
    return TransientFailureError("trainer_signalled", words, signal=number)


def _last(end: TrainerEnd) -> str:
    return next((line for line in reversed(end.last_lines) if line.strip()), "")
