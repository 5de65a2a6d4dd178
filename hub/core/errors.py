"""The errors a person can cause; each has a stable code. hub/core/http_status.py maps them."""

from typing import ClassVar


class AtelierError(Exception):
    """What was asked for cannot be done; the message says what happened and what to do."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = code or self.code


class Invalid(AtelierError):
    """What was sent cannot be used."""

    code = "invalid"


class SignedOut(AtelierError):
    """Only for people who are signed in, and nobody is, or no longer."""

    code = "signed_out"


class NotAllowed(AtelierError):
    """Visible, but this person may not do it."""

    code = "not_allowed"


class NotFound(AtelierError):
    """Not there, or not visible to this person."""

    code = "not_found"


class Conflict(AtelierError):
    """The thing is in another state than the request expects."""

    code = "conflict"


class Gone(AtelierError):
    """It was there and is kept no longer."""

    code = "gone"


class TooLarge(AtelierError):
    """Over a limit that is a setting."""

    code = "too_large"


class QuotaExceeded(TooLarge):
    """The person or team has no room left."""

    code = "quota_exceeded"
