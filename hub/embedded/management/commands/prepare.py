"""`manage.py prepare`: bring database, static files and the first administrator up to date."""

import hashlib
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from hub.embedded.state import write_private
from hub.embedded.up import ADMIN_NAME

PACKED = "packed with the program"  # what the stamp of an image's static files says


class Command(BaseCommand):
    """Safe to run at every start: what is up to date is left alone."""

    help = __doc__ or ""
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Where the password goes, and the one step of building an image."""
        parser.add_argument(
            "--admin-password-file",
            type=Path,
            help="make the administrator if there is no account yet, its password goes here",
        )

        parser.add_argument(
            "--pack-static",
            action="store_true",
            help="only collect the static files, for good: they come with the program, in an image",
        )

    def handle(
        self,
        *args: Any,
        admin_password_file: Path | None = None,
        pack_static: bool = False,
        **options: Any,
    ) -> None:
        """Migrate, collect, make the administrator."""
        if pack_static:
            _pack_static()
            return
        call_command("migrate", interactive=False, verbosity=0)
        _collect_static()
        if admin_password_file:
            _make_admin(admin_password_file)


def _make_admin(password_file: Path) -> None:
    users = get_user_model().objects
    if users.exists():
        return
    password = secrets.token_urlsafe(12)
    write_private(password_file, password)
    users.create_superuser(username=ADMIN_NAME, email="", password=password)


def _collect_static() -> None:
    """Collect static files when one of them changed; hashing and packing all takes seconds."""
    root = Path(str(settings.STATIC_ROOT))
    stamp = root / ".collected"
    fingerprint = _static_fingerprint()
    if stamp.exists() and stamp.read_text() in {fingerprint, PACKED}:
        return
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(fingerprint)


def _pack_static() -> None:
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    Path(str(settings.STATIC_ROOT), ".collected").write_text(PACKED)


def _static_fingerprint() -> str:
    digest = hashlib.sha256(repr(settings.STORAGES).encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            stat = Path(storage.path(path)).stat()
            digest.update(f"{path}\0{stat.st_mtime_ns}\0{stat.st_size}\n".encode())
    return digest.hexdigest()
