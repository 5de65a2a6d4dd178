"""Saving a hub while it runs: database, files, saved states and secrets of one moment."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from hub.backup import database
from hub.backup.layout import SECRETS, Backup, Manifest, finished_backups
from hub.core.sole_work import sole_work_on
from hub.storage.backends.base import key_for
from hub.storage.backends.filesystem import FilesystemStore
from hub.storage.blobs import ensure_local, file_sha256, local_path, scratch_folder
from hub.storage.garbage import COLLECTING
from hub.storage.models import Blob
from training.jobs.models.job import FINAL, Job
from training.worker.work_folder import WorkFolder

Progress = Callable[[int, int], None]  # bytes done, bytes in all


def save_hub(folder: Path, *, now: datetime, progress: Progress) -> Backup:
    """Make a backup in the folder. People may work meanwhile: it shows the moment of its start.

    Blobs that an earlier backup of the folder holds are not copied again. Those that the store has
    lost or spoilt are named in the manifest. Raises BackupFailed.
    """
    backup = Backup.begin(folder, now=now)
    with sole_work_on(COLLECTING, wait=True), _one_moment() as snapshot:
        database.dump(backup.dump, snapshot=snapshot)
        blobs = list(Blob.objects.order_by("pk"))
        missing = _copy_blobs(blobs, backup, progress)
        _copy_states(backup)
        migrations = database.applied_migrations()
    kept = [blob for blob in blobs if blob.sha256 not in missing]
    backup.write_blob_list([blob.sha256 for blob in kept])
    _copy_secrets(backup)
    backup.finish(
        Manifest(
            made_at=now.isoformat(),
            postgres_version=database.server_version(),
            dump_sha256=file_sha256(backup.dump),
            migrations=migrations,
            blob_count=len(kept),
            blob_bytes=sum(blob.size_bytes for blob in kept),
            missing=missing,
        )
    )
    return backup


def drop_old(folder: Path, *, keep: int) -> int:
    """Drop all but the newest `keep` whole backups, and bytes that none of those names.

    Backups that were never finished go too, unless they are newer than the newest whole one: those
    may be in the making. Returns how many backups were dropped.
    """
    kept = finished_backups(folder)[-keep:]
    newest = kept[-1].root.name if kept else ""
    names = {backup.root.name for backup in kept}
    dropped = 0
    for path in sorted(folder.glob("*Z")):
        if path.name not in names and path.name < newest:
            shutil.rmtree(path)
            dropped += 1
    _drop_blobs(folder, {sha256 for backup in kept for sha256 in backup.blob_hashes()})
    return dropped


@contextmanager
def _one_moment() -> Iterator[str]:
    """A transaction that sees one moment; yields the name under which pg_dump sees it too."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SELECT pg_export_snapshot()")
            name = str(cursor.fetchone()[0])
        yield name


def _copy_blobs(blobs: list[Blob], backup: Backup, progress: Progress) -> list[str]:
    """Copy what is not there yet; returns the hashes of those that cannot be had whole."""
    store = FilesystemStore(backup.blobs)
    total, done, missing = sum(blob.size_bytes for blob in blobs), 0, []
    progress(0, total)
    for blob in blobs:
        key = key_for(blob.sha256)
        if not store.exists(key) and not _copied(blob, store, key):
            missing.append(blob.sha256)
        done += blob.size_bytes
        progress(done, total)
    return missing


def _copied(blob: Blob, store: FilesystemStore, key: str) -> bool:
    """Whether the bytes are in the backup now, and are those of the hash."""
    near = local_path(blob)
    try:
        source = near or ensure_local(blob, scratch_folder())
    except FileNotFoundError:
        return False
    try:
        store.put_path(key, source, move=False)
    finally:
        if near is None:
            source.unlink()
    if file_sha256(store.root / key) == blob.sha256:
        return True
    store.delete(key)
    return False


def _copy_states(backup: Backup) -> None:
    """Where the runs of this machine would go on; workers of other machines keep theirs in S3."""
    for job_id in Job.objects.exclude(state__in=FINAL).values_list("pk", flat=True):
        state = WorkFolder.of(job_id).state
        if state.exists():
            shutil.copyfile(state, backup.states / str(job_id))


def _copy_secrets(backup: Backup) -> None:
    for name in SECRETS:
        path = Path(settings.ATELIER_HOME) / "secrets" / name
        if path.exists():
            shutil.copy(path, backup.secrets / name)  # with its mode, 0600


def _drop_blobs(folder: Path, wanted: set[str]) -> None:
    store = FilesystemStore(Backup(folder / "any").blobs)
    for path in store.root.glob("??/??/*"):
        if path.name not in wanted:
            store.delete(key_for(path.name))
