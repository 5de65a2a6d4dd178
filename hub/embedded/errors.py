"""What can go wrong before or while the site runs on this machine."""

from hub.core.errors import AtelierError


class EmbeddedError(AtelierError):
    """The machine cannot be started or kept up; the message says what to do."""

    code = "embedded"


class SettingWrong(EmbeddedError):
    """A variable of the environment has a value that is not allowed."""

    code = "embedded_setting"


class FolderTaken(EmbeddedError):
    """Another run holds the data folder."""

    code = "embedded_folder_taken"


class FolderUnusable(EmbeddedError):
    """The data folder belongs to somebody else, or cannot be used where it is."""

    code = "embedded_folder"


class PortTaken(EmbeddedError):
    """The address is in use by another process."""

    code = "embedded_port_taken"


class ProgramMissing(EmbeddedError):
    """No PostgreSQL or Valkey that is recent enough was found."""

    code = "embedded_program_missing"


class PartFailed(EmbeddedError):
    """One part of the site ended or did not come up; the message carries its last lines."""

    code = "embedded_part_failed"
