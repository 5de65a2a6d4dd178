"""`manage.py restore BACKUP`: make a hub of a backup again, in an empty database."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.backup.bar import bar
from hub.backup.errors import BackupFailed
from hub.backup.layout import Backup
from hub.backup.restore import restore_hub


class Command(BaseCommand):
    """Checks everything first; a damaged backup changes nothing."""

    help = __doc__ or ""
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the backup."""
        parser.add_argument("backup", type=Path, help="a folder such as …/2026-11-29T142000Z")

    def handle(self, *args: Any, backup: Path, **options: Any) -> None:
        """Restore it, and say what the next step is."""
        try:
            with bar("Checking files") as progress:
                manifest = restore_hub(Backup(backup.absolute()), progress=progress)
        except BackupFailed as error:
            raise CommandError(error.message) from error
        self.stdout.write(
            f"Restored the hub of {manifest.made_at}: the database and {manifest.blob_count} files "
            f"of {manifest.blob_bytes} bytes. Start the site now."
        )
        if manifest.missing:
            self.stdout.write(
                f"{len(manifest.missing)} files were missing in the store already when it was "
                f"saved: {', '.join(manifest.missing[:5])}."
            )
