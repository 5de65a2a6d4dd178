"""Making a hub of a backup again, in an empty database and a store that may hold files already."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from django.conf import settings

from hub.backup import database
from hub.backup.errors import BackupFailed
from hub.backup.layout import SECRETS, Backup, Manifest
from hub.embedded.state import Home, write_private
from hub.storage.backends.base import key_for
from hub.storage.backends.chosen import blob_store
from hub.storage.blobs import file_sha256
from training.worker.work_folder import WorkFolder

Progress = Callable[[int, int], None]  # bytes done, bytes in all
ONCE = ("demo", "greeting")  # what the first start of a data folder does, and this one must not


def restore_hub(backup: Backup, *, progress: Progress) -> Manifest:
    """Bring everything back; the next start brings an older database up to date.

    All is checked before anything is written: the dump's hash, every blob's hash, that this
    Atelier knows the database's form, and that the database is empty. Raises BackupFailed.
    """
    manifest = backup.manifest()
    _check(backup, manifest, progress)
    _put_blobs(backup)
    _put_states(backup)
    database.load(backup.dump)  # the last step that can fail: until then it can be done again
    _bring_secrets(backup)
    return manifest


def _check(backup: Backup, manifest: Manifest, progress: Progress) -> None:
    unknown = database.unknown_migrations(manifest.migrations)
    if unknown:
        raise BackupFailed(
            "The backup was made by a newer Atelier: this one does not know its database's "
            f"{', '.join(unknown[:3])}. Restore it with that version or a later one."
        )
    database.ask_for_empty_database()
    if file_sha256(backup.dump) != manifest.dump_sha256:
        raise BackupFailed(f"{backup.dump} is not what was saved; it is damaged. Use another one.")
    done = 0
    progress(0, manifest.blob_bytes)
    for sha256 in backup.blob_hashes():
        path = backup.blob(sha256)
        if not path.exists() or file_sha256(path) != sha256:
            raise BackupFailed(
                f"{path} is missing or damaged. Bring it back from another copy of the folder, or "
                "restore another backup."
            )
        done += path.stat().st_size
        progress(done, manifest.blob_bytes)


def _put_blobs(backup: Backup) -> None:
    store = blob_store()
    for sha256 in backup.blob_hashes():
        store.put_path(key_for(sha256), backup.blob(sha256), move=False)


def _put_states(backup: Backup) -> None:
    for state in backup.states.iterdir():
        target = WorkFolder.of(UUID(state.name)).state
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(state, target)


def _bring_secrets(backup: Backup) -> None:
    """For the one-command machine; elsewhere secrets come from the environment."""
    home = Home(Path(settings.ATELIER_HOME))
    for name in SECRETS:
        saved = backup.secrets / name
        if saved.exists():
            home.secret_path(name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(home.secret_path(name), saved.read_text().strip())
            for step in ONCE:
                home.mark_done(step)
