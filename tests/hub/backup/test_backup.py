"""A hub is saved, lost and made again: real pg_dump, real files, databases of their own."""

import json
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from hub.backup import database
from hub.backup.errors import BackupFailed
from hub.backup.layout import Backup, finished_backups
from hub.backup.restore import restore_hub
from hub.backup.save import drop_old, save_hub
from hub.core.sole_work import lock_key
from hub.storage.backends.base import key_for
from hub.storage.backends.chosen import blob_store
from hub.storage.blobs import open_blob, store_bytes
from hub.storage.garbage import COLLECTING, collect_garbage
from hub.storage.models import Blob
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def quiet(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


@pytest.fixture(autouse=True)
def hub(settings, tmp_path: Path) -> Path:
    """A hub with a store and secrets of its own."""
    home = tmp_path / "home"
    (home / "secrets").mkdir(parents=True)
    key = home / "secrets" / "secret_key"
    key.write_text("the signing key\n")
    key.chmod(0o600)
    settings.ATELIER_HOME = home
    settings.STORAGE_URL = (tmp_path / "store").as_uri()
    return home


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def empty_database():
    """An empty database beside the tests' own, to which the connection is turned."""
    name = f"{connection.settings_dict['NAME']}_restored"
    own = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    connection.close()
    connection.settings_dict["NAME"] = name
    yield
    connection.close()
    connection.settings_dict["NAME"] = own
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}"')


def fill() -> list[Blob]:
    UserFactory(username="mira")
    return [store_bytes(f"file {n}".encode(), content_type="text/plain") for n in range(3)]


def test_a_lost_hub_comes_back_whole(settings, hub, folder, tmp_path, request) -> None:
    blobs = fill()
    backup = save_hub(folder, now=NOON, progress=quiet)

    settings.STORAGE_URL = (tmp_path / "new store").as_uri()
    settings.ATELIER_HOME = tmp_path / "new home"
    request.getfixturevalue("empty_database")
    manifest = restore_hub(backup, progress=quiet)

    assert manifest.blob_count == 3
    assert manifest.missing == []
    assert Blob.objects.count() == 3
    for blob in blobs:
        with open_blob(blob) as was, Path(backup.blob(blob.sha256)).open("rb") as saved:
            assert was.read() == saved.read()
    key = tmp_path / "new home" / "secrets" / "secret_key"
    assert key.read_text().strip() == "the signing key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with connection.cursor() as cursor:
        cursor.execute("SELECT username FROM accounts_user")
        assert cursor.fetchall() == [("mira",)]
    call_command("migrate", interactive=False, verbosity=0)  # what the next start does
    assert finished_backups(folder) == [backup]


def test_nobody_else_can_read_a_backup(folder) -> None:
    backup = save_hub(folder, now=NOON, progress=quiet)

    assert stat.S_IMODE(backup.root.stat().st_mode) == 0o700
    assert stat.S_IMODE((backup.secrets / "secret_key").stat().st_mode) == 0o600


def test_sha256sum_finds_the_files_of_a_backup_whole(folder) -> None:
    fill()
    backup = save_hub(folder, now=NOON, progress=quiet)

    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", f"{backup.root.name}/blobs.sha256"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0
    assert checked.stdout.count(": OK") == 3


def test_a_second_backup_copies_new_files_only(folder) -> None:
    first = fill()
    save_hub(folder, now=NOON, progress=quiet)
    copied = folder / "blobs" / key_for(first[0].sha256)
    inode = copied.stat().st_ino
    store_bytes(b"a new file", content_type="text/plain")

    second = save_hub(folder, now=NOON + timedelta(hours=1), progress=quiet)

    assert copied.stat().st_ino == inode
    assert len(list(second.blob_hashes())) == 4


def test_a_file_that_the_store_lost_or_spoilt_is_named_and_the_rest_saved(folder, capsys) -> None:
    lost, spoilt, whole = fill()
    blob_store().delete(key_for(lost.sha256))
    path = blob_store().local_path(key_for(spoilt.sha256))
    path.write_bytes(b"other bytes")

    with pytest.raises(CommandError, match="2 files are missing or spoilt"):
        call_command("backup", str(folder))

    (backup,) = finished_backups(folder)
    assert backup.manifest().missing == [lost.sha256, spoilt.sha256]
    assert list(backup.blob_hashes()) == [whole.sha256]
    assert not backup.blob(spoilt.sha256).exists()


def test_a_database_that_holds_something_is_never_overwritten(folder) -> None:
    fill()
    backup = save_hub(folder, now=NOON, progress=quiet)

    with pytest.raises(BackupFailed, match="is not empty"):
        restore_hub(backup, progress=quiet)


def test_a_damaged_backup_changes_nothing(settings, folder, tmp_path, request) -> None:
    blob = fill()[0]
    backup = save_hub(folder, now=NOON, progress=quiet)
    backup.blob(blob.sha256).write_bytes(b"rotten")
    settings.STORAGE_URL = (tmp_path / "new store").as_uri()
    request.getfixturevalue("empty_database")

    with pytest.raises(BackupFailed, match="missing or damaged"):
        restore_hub(backup, progress=quiet)

    assert database.is_empty()
    assert not (tmp_path / "new store").exists()

    backup.dump.write_bytes(b"rotten too")
    with pytest.raises(BackupFailed, match="is not what was saved"):
        restore_hub(backup, progress=quiet)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "has the form 2"),
        ({"migrations": ["accounts.9999_from_the_future"]}, "made by a newer Atelier"),
        ({"made_at": None, "more": 1}, "cannot be read"),
    ],
)
def test_a_backup_of_a_later_form_is_refused(folder, change, said) -> None:
    backup = save_hub(folder, now=NOON, progress=quiet)
    file = backup.root / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))

    with pytest.raises(BackupFailed, match=said):
        restore_hub(backup, progress=quiet)


def test_a_backup_that_was_never_finished_is_refused(folder) -> None:
    begun = Backup.begin(folder, now=NOON)

    with pytest.raises(CommandError, match="not a finished backup"):
        call_command("restore", str(begun.root))


def test_old_backups_go_with_the_files_that_only_they_hold(folder) -> None:
    gone, *_rest = fill()
    save_hub(folder, now=NOON, progress=quiet)
    Backup.begin(folder, now=NOON + timedelta(hours=1))
    gone.delete()
    kept = [save_hub(folder, now=NOON + timedelta(hours=n), progress=quiet) for n in (2, 3)]

    assert drop_old(folder, keep=2) == 2

    assert finished_backups(folder) == kept
    assert not kept[0].blob(gone.sha256).exists()
    assert all(kept[0].blob(sha256).exists() for sha256 in kept[0].blob_hashes())


def test_keeping_none_is_refused(folder) -> None:
    with pytest.raises(CommandError, match="least allowed is 1"):
        call_command("backup", str(folder), keep=0)


def test_nothing_is_collected_while_a_backup_is_made() -> None:
    fill()
    parameters = connection.get_connection_params()
    named = {key: parameters[key] for key in ("dbname", "user", "host") if key in parameters}
    with psycopg.connect(**named, autocommit=True) as backup:
        backup.execute("SELECT pg_advisory_lock(%s)", [lock_key(COLLECTING)])
        assert collect_garbage(grace=timedelta(0)) == 0
        backup.execute("SELECT pg_advisory_unlock(%s)", [lock_key(COLLECTING)])

    assert collect_garbage(grace=timedelta(0)) == 3
