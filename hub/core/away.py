"""When the database does not answer: it starts, is started again, or cannot be reached."""

from django.db import InterfaceError, OperationalError

#: Django's names for a connection that failed; slow and refused statements share the first.
DATABASE_ERRORS = (OperationalError, InterfaceError)
#: SQLSTATE classes of a server that hangs up: connection exceptions; shut down, crashed, starting.
HANGING_UP = ("08", "57P")
RETRY_SECONDS = 3


def is_database_away(error: BaseException | None) -> bool:
    """Whether the same request may succeed in a moment; a statement that failed is not that.

    Without an SQLSTATE nobody was there to give one.
    """
    if not isinstance(error, DATABASE_ERRORS):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or state.startswith(HANGING_UP)
