"""Keeps the Chinese catalogue in step with the source, without gettext programs."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from frontend.catalogue.checks import problems
from frontend.catalogue.extraction import collect
from frontend.catalogue.store import CATALOGUE, ROOT, compiled, load, updated

BINARY = CATALOGUE.with_suffix(".mo")


class Command(BaseCommand):
    """manage.py messages --update | --check | --compile."""

    help = "Update, check or compile the Chinese catalogue (frontend/locale)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One thing at a time."""
        chosen = parser.add_mutually_exclusive_group(required=True)
        chosen.add_argument("--update", action="store_true", help="take over the source's messages")
        chosen.add_argument("--check", action="store_true", help="fail unless all is complete")
        chosen.add_argument("--compile", action="store_true", help="write the binary catalogue")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked."""
        if options["update"]:
            self.update()
        elif options["compile"]:
            self.compile()
        else:
            self.check_complete()

    def update(self) -> None:
        """New messages come in empty, gone ones go; then compile."""
        CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
        catalogue = updated(load(), collect(ROOT))
        catalogue.save(str(CATALOGUE))
        self.compile()
        untranslated = len(catalogue.untranslated_entries())
        self.stdout.write(f"{len(catalogue)} messages, {untranslated} not translated")

    def compile(self) -> None:
        """Write django.mo beside django.po."""
        BINARY.write_bytes(compiled(load()))

    def check_complete(self) -> None:
        """Name every problem and fail, or say that there is none."""
        catalogue = load()
        found = problems(catalogue, collect(ROOT), BINARY)
        if found:
            raise CommandError("\n".join([*found, f"{len(found)} problems in the catalogue"]))
        self.stdout.write(f"{len(catalogue)} messages, all translated")
