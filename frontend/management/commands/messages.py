"""Keeps the Chinese catalogues in step with the source, without gettext programs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from frontend.catalogue.checks import problems
from frontend.catalogue.command_line import collect_command_line
from frontend.catalogue.extraction import Key, Message, collect
from frontend.catalogue.store import CATALOGUE, CLI_CATALOGUE, ROOT, compiled, load, updated

SOURCES = {CATALOGUE: collect, CLI_CATALOGUE: collect_command_line}


class Command(BaseCommand):
    """manage.py messages --update | --check | --compile."""

    help = "Update, check or compile the Chinese catalogues (frontend/locale, hub/cli/locale)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One thing at a time."""
        chosen = parser.add_mutually_exclusive_group(required=True)
        chosen.add_argument("--update", action="store_true", help="take over the source's messages")
        chosen.add_argument("--check", action="store_true", help="fail unless all is complete")
        chosen.add_argument("--compile", action="store_true", help="write the binary catalogues")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked."""
        if options["update"]:
            for path, collected in SOURCES.items():
                self.update(path, collected(ROOT))
        elif options["compile"]:
            for path in SOURCES:
                _compile(path)
        else:
            self.check_complete()

    def update(self, path: Path, messages: dict[Key, Message]) -> None:
        """New messages come in empty, gone ones go; then compile."""
        path.parent.mkdir(parents=True, exist_ok=True)
        catalogue = updated(load(path), messages)
        catalogue.save(str(path))
        _compile(path)
        untranslated = len(catalogue.untranslated_entries())
        self.stdout.write(f"{path.name}: {len(catalogue)} messages, {untranslated} not translated")

    def check_complete(self) -> None:
        """Name every problem and fail, or say that there is none."""
        found, count = [], 0
        for path, collected in SOURCES.items():
            catalogue = load(path)
            count += len(catalogue)
            wrong = problems(catalogue, collected(ROOT), path.with_suffix(".mo"))
            found += [f"{path.name}: {problem}" for problem in wrong]
        if found:
            raise CommandError("\n".join([*found, f"{len(found)} problems in the catalogues"]))
        self.stdout.write(f"{count} messages, all translated")


def _compile(path: Path) -> None:
    """Write the binary catalogue beside its source."""
    path.with_suffix(".mo").write_bytes(compiled(load(path)))
