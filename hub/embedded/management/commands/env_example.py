"""`manage.py env_example`: check deploy/env.example against the settings, or write it again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.embedded.env_example import EXAMPLE, whole


class Command(BaseCommand):
    """Ends with an error when the example lacks a setting or names another default."""

    help = __doc__ or ""
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Check only, or write."""
        parser.add_argument("--write", action="store_true", help="write the file again")

    def handle(self, *args: Any, write: bool, **options: Any) -> None:
        """Compare with what the code reads."""
        if write:
            EXAMPLE.write_text(whole(), encoding="utf-8")
        elif EXAMPLE.read_text(encoding="utf-8") != whole():
            raise CommandError(
                f"{EXAMPLE.name} does not show the settings as they are: "
                "run manage.py env_example --write."
            )
