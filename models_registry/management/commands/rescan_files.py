"""Judge the files that are here by the rules of the scanner as they are now."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand

from models_registry.models.file import FileFormat, FileStage, ModelFile
from models_registry.services.files import look_again


class Command(BaseCommand):
    """Scan files again, after an update of Atelier or of the virus scanner's lists."""

    help = "Scan model files again; says which verdicts changed. Old ones count until then."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """All files, or some."""
        parser.add_argument(
            "--format", choices=FileFormat.values, help="Only files of this format."
        )
        parser.add_argument(
            "--before",
            type=lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC),
            metavar="YYYY-MM-DD",
            help="Only files that were last scanned before this day: goes on after a break.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """One file after the other; a break loses nothing."""
        files = ModelFile.objects.filter(stage=FileStage.READY).order_by("pk")
        if options["format"]:
            files = files.filter(format=options["format"])
        if options["before"]:
            files = files.filter(scanned_at__lt=options["before"])
        looked_at = changed = 0
        for file_id, name, old in files.values_list("pk", "name", "scan_status").iterator():
            found = look_again(file_id=file_id)
            looked_at += 1
            if found is not None and found.scan_status != old:
                changed += 1
                words = f"{old} -> {found.scan_status}: {found.scan_message}".rstrip(": ")
                self.stdout.write(f"{file_id} {name}: {words}")
        self.stdout.write(f"{looked_at} files looked at, {changed} verdicts changed.")
