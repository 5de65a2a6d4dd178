"""What can go wrong while a hub is saved or restored; each message says what to do."""

from hub.core.errors import AtelierError


class BackupFailed(AtelierError):
    """The hub could not be saved or restored; what was there before is untouched."""

    code = "backup"
