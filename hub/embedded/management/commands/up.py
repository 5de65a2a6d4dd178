"""`manage.py up`: run the whole site on this machine until it is stopped."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from hub.embedded.up import main


class Command(BaseCommand):
    """Start the whole site as one; Ctrl-C stops all in order."""

    help = __doc__ or ""
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the one option."""
        parser.add_argument(
            "--reload", action="store_true", help="restart the web process on changes"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped."""
        sys.exit(main(reload=options["reload"]))
