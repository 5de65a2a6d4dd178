"""What lies where in a folder of backups, and what one backup says of itself.

blobs/ab/cd/<sha256>          bytes, shared by all backups of the folder
2026-11-29T142000Z/           one backup
    database.dump             pg_dump, custom format
    blobs.sha256              its blobs; `sha256sum --check` reads it from the folder of backups
    states/<job id>           where a run that had not ended would go on
    secrets/                  signing key and first password of the one-command machine, 0600
    manifest.json             written last: a backup without it was never finished
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from hub.backup.errors import BackupFailed
from hub.storage.backends.base import key_for

FORMAT = 1
BLOBS = "blobs"
STAMP = "%Y-%m-%dT%H%M%SZ"
SECRETS = ("secret_key", "admin_password")


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. `missing` names blobs that the store had lost or spoilt; sizes in bytes.

    `migrations` are those of its database, as `app.name`: an older hub must not load it.
    """

    made_at: str
    postgres_version: str
    dump_sha256: str
    migrations: list[str]
    blob_count: int
    blob_bytes: int
    missing: list[str] = field(default_factory=list)
    format: int = FORMAT


@dataclass(frozen=True)
class Backup:
    """The paths of one backup."""

    root: Path

    @classmethod
    def begin(cls, folder: Path, *, now: datetime) -> Backup:
        """Make the folder of a new one, for us only. Raises BackupFailed."""
        backup = cls(folder / now.strftime(STAMP))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            backup.root.mkdir(mode=0o700)
            backup.secrets.mkdir(mode=0o700)
            backup.states.mkdir(mode=0o700)
        except OSError as error:
            raise BackupFailed(
                f"{backup.root} cannot be made: {error.strerror}. Name a folder that you may write."
            ) from error
        return backup

    @property
    def blobs(self) -> Path:
        """The bytes that all backups of the folder share."""
        return self.root.parent / BLOBS

    @property
    def dump(self) -> Path:
        """The database."""
        return self.root / "database.dump"

    @property
    def states(self) -> Path:
        """Saved states of runs that had not ended."""
        return self.root / "states"

    @property
    def secrets(self) -> Path:
        """Secrets of the one-command machine."""
        return self.root / "secrets"

    @property
    def _manifest(self) -> Path:
        return self.root / "manifest.json"

    @property
    def _blob_list(self) -> Path:
        return self.root / "blobs.sha256"

    def blob(self, sha256: str) -> Path:
        """Where the bytes of a blob lie."""
        return self.blobs / key_for(sha256)

    def write_blob_list(self, hashes: list[str]) -> None:
        """Name the blobs of this backup, in the form of sha256sum."""
        lines = (f"{sha256}  {BLOBS}/{key_for(sha256)}\n" for sha256 in hashes)
        self._blob_list.write_text("".join(lines), encoding="ascii")

    def blob_hashes(self) -> Iterator[str]:
        """The blobs of this backup."""
        for line in self._blob_list.read_text(encoding="ascii").splitlines():
            yield line.partition(" ")[0]

    def finish(self, manifest: Manifest) -> None:
        """Declare the backup whole."""
        text = json.dumps(asdict(manifest), indent=2) + "\n"
        beside = self._manifest.with_suffix(".new")
        beside.write_text(text, encoding="utf-8")
        beside.replace(self._manifest)

    @property
    def is_finished(self) -> bool:
        """Whether it was made to its end."""
        return self._manifest.exists()

    def manifest(self) -> Manifest:
        """What it says of itself. Raises BackupFailed."""
        try:
            read = json.loads(self._manifest.read_text(encoding="utf-8"))
            if read["format"] != FORMAT:
                raise BackupFailed(
                    f"{self.root} has the form {read['format']}; this Atelier reads the form "
                    f"{FORMAT}. Restore it with the Atelier that made it, then upgrade."
                )
            return Manifest(**read)
        except FileNotFoundError as error:
            raise BackupFailed(
                f"{self.root} is not a finished backup: it has no {self._manifest.name}. Name a "
                "folder such as …/2026-11-29T142000Z that `backup` has made."
            ) from error
        except (ValueError, TypeError, KeyError) as error:
            raise BackupFailed(f"{self._manifest} cannot be read: {error}.") from error


def finished_backups(folder: Path) -> list[Backup]:
    """All whole backups of a folder, the oldest first."""
    found = (Backup(path) for path in sorted(folder.iterdir()) if path.name != BLOBS)
    return [backup for backup in found if backup.is_finished]
