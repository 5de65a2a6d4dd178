"""`manage.py backup FOLDER`: save database, files, saved states and secrets while people work."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from hub.backup.bar import bar
from hub.backup.errors import BackupFailed
from hub.backup.save import drop_old, save_hub


class Command(BaseCommand):
    """Each call makes one more backup in the folder and copies only files that are new."""

    help = __doc__ or ""
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the folder, and how many backups it keeps."""
        parser.add_argument("folder", type=Path, help="folder of backups; made if it is not there")
        parser.add_argument(
            "--keep", type=int, help="afterwards drop all but the newest so many (default: none)"
        )

    def handle(self, *args: Any, folder: Path, keep: int | None, **options: Any) -> None:
        """Save, then tidy up. Ends with an error when the store had lost or spoilt a file."""
        if keep is not None and keep < 1:
            raise CommandError(f"--keep is {keep}; the least allowed is 1.")
        try:
            with bar("Copying files") as progress:
                backup = save_hub(folder.absolute(), now=timezone.now(), progress=progress)
        except BackupFailed as error:
            raise CommandError(error.message) from error
        manifest = backup.manifest()
        self.stdout.write(
            f"Saved in {backup.root}: the database and {manifest.blob_count} files of "
            f"{manifest.blob_bytes} bytes."
        )
        if keep is not None:
            self.stdout.write(f"Dropped {drop_old(folder.absolute(), keep=keep)} older backups.")
        if manifest.missing:
            raise CommandError(
                f"{len(manifest.missing)} files are missing or spoilt in the store, and so in this "
                f"backup: {', '.join(manifest.missing[:5])}. Look for them in an older backup."
            )
