"""Errors of the registry that carry more than a sentence."""

from datetime import datetime

from hub.core.errors import Conflict, NotAllowed


class SignInNeeded(NotAllowed):
    """The author asks for an account before the download."""

    code = "sign_in_needed"


class EarlyAccess(NotAllowed):
    """Published, but open to everyone only later."""

    code = "early_access"

    def __init__(self, message: str, *, deadline: datetime) -> None:
        super().__init__(message)
        self.deadline = deadline


class NotReady(Conflict):
    """Something is missing before this can be published; `missing` are the stable codes."""

    code = "not_ready"

    def __init__(self, message: str, *, missing: tuple[str, ...]) -> None:
        super().__init__(message)
        self.missing = missing
