"""What can go wrong, each with the exit code that scripts can rely on; docs/cli.md lists them.

0 done · 1 unexpected · 2 wrong use · 3 sign in · 4 refused · 5 not found · 6 unreachable ·
7 damaged bytes · 8 this machine · 9 incomplete · 10 run failed · 11 run canceled · 130 interrupted.
"""

from typing import ClassVar


class CliError(Exception):
    """What was asked for cannot be done; the message says what happened and what to do."""

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.error_code = code or self.code


class WrongUse(CliError):
    """The command line itself makes no sense."""

    exit_code = 2
    code = "usage"


class SignInNeeded(CliError):
    """No key, or one that the hub does not take."""

    exit_code = 3
    code = "sign_in"


class Refused(CliError):
    """The hub understood and says no; `missing` are the codes of what to do before."""

    exit_code = 4
    code = "refused"

    def __init__(self, message: str, *, code: str = "", missing: tuple[str, ...] = ()) -> None:
        super().__init__(message, code=code)
        self.missing = missing


class NotFound(CliError):
    """Not there, or not visible to this person."""

    exit_code = 5
    code = "not_found"


class Unreachable(CliError):
    """No connection, or one that broke and did not come back."""

    exit_code = 6
    code = "unreachable"


class Damaged(CliError):
    """Bytes that do not have the hash that they should have."""

    exit_code = 7
    code = "damaged"


class LocalProblem(CliError):
    """A disk that is full, a file that cannot be read or is no model."""

    exit_code = 8
    code = "local"


class Incomplete(CliError):
    """Some of several things were done and some were not."""

    exit_code = 9
    code = "incomplete"


class RunFailed(CliError):
    """The training run that was followed ended with an error."""

    exit_code = 10
    code = "run_failed"


class RunCanceled(CliError):
    """The training run that was followed was canceled."""

    exit_code = 11
    code = "run_canceled"


def reason_of(error: OSError) -> str:
    """Why the system did not do it; some errors of Python's own libraries have no number."""
    return error.strerror or str(error) or type(error).__name__
