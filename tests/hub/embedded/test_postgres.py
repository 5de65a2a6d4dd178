"""Programs, folders and sockets of the embedded PostgreSQL."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.embedded.accounts import can_run, service_account
from hub.embedded.errors import FolderUnusable, ProgramMissing
from hub.embedded.postgres import SOCKET_NAME, SOCKET_PATH_MAX_BYTES, prepare_cluster
from hub.embedded.postgres_programs import find_programs, runnable_copy

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts it as another account")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A short path that every account may pass through."""
    with tempfile.TemporaryDirectory(prefix="atelier-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def test_programs_of_the_wheel_come_first_and_are_recent() -> None:
    programs = find_programs()
    assert programs.package is not None
    assert programs.major >= 16


def test_a_data_folder_of_an_older_major_is_not_opened_with_a_newer_server() -> None:
    with pytest.raises(ProgramMissing, match=r"made by PostgreSQL 9, .*pg_dump"):
        find_programs(9)


def test_an_existing_data_folder_decides_which_programs_are_used(open_folder: Path) -> None:
    data = open_folder / "postgres" / "9" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    with pytest.raises(ProgramMissing, match="made by PostgreSQL 9"):
        prepare_cluster(open_folder, {})


def test_a_cluster_is_private_and_made_once(open_folder: Path) -> None:
    cluster = prepare_cluster(open_folder, {}, durable=False)
    made = (cluster.data / "PG_VERSION").stat().st_mtime_ns
    for folder in (cluster.data, cluster.run):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    again = prepare_cluster(open_folder, {}, durable=False)
    assert (again.data / "PG_VERSION").stat().st_mtime_ns == made
    assert "listen_addresses=" in again.command({}).argv


def test_a_long_path_gets_a_short_socket_folder(open_folder: Path) -> None:
    home = open_folder / ("long" * 20) / "home"
    home.mkdir(parents=True)
    cluster = prepare_cluster(home, {}, durable=False)
    assert cluster.temporary is not None
    try:
        assert len(os.fsencode(cluster.run / SOCKET_NAME)) <= SOCKET_PATH_MAX_BYTES
        assert stat.S_IMODE(cluster.run.stat().st_mode) == 0o700
        assert cluster.data.is_relative_to(home)
    finally:
        cluster.temporary.rmdir()


@as_root
def test_root_below_a_closed_folder_puts_the_data_into_the_system_folder(
    open_folder: Path,
) -> None:
    home = open_folder / "closed" / "home"
    home.mkdir(parents=True)
    home.parent.chmod(0o700)
    system = open_folder / "system"
    cluster = prepare_cluster(home, {"ATELIER_SYSTEM_STATE": str(system)}, durable=False)
    assert cluster.data.is_relative_to(system)
    assert (home / "postgres").resolve() == cluster.data.parents[1]
    assert stat.S_IMODE(home.parent.stat().st_mode) == 0o700  # left as the person had it
    again = prepare_cluster(home, {}, durable=False)
    assert again.data == cluster.data


@as_root
def test_a_system_folder_that_the_account_cannot_enter_is_refused(open_folder: Path) -> None:
    home = open_folder / "home"
    home.mkdir(mode=0o700)
    system = open_folder / "closed" / "system"
    system.mkdir(parents=True)
    system.parent.chmod(0o700)
    with pytest.raises(FolderUnusable, match="ATELIER_SYSTEM_STATE"):
        prepare_cluster(home, {"ATELIER_SYSTEM_STATE": str(system)})


@as_root
def test_a_wheel_below_a_closed_folder_is_copied_once_and_runs(open_folder: Path) -> None:
    account = service_account()
    closed = open_folder / "closed"
    copied = runnable_copy(find_programs(), None, open_folder)
    assert copied == find_programs()  # it runs where it is for an account that may enter
    closed.mkdir()
    hidden = _hide_wheel(closed)
    assert not can_run(account, hidden.folder / "postgres")
    place = open_folder / "place"
    place.mkdir()
    place.chmod(0o711)
    visible = runnable_copy(hidden, account, place)
    assert visible.folder.is_relative_to(place)
    assert can_run(account, visible.folder / "initdb")
    assert runnable_copy(hidden, account, place) == visible


def _hide_wheel(closed: Path):
    from dataclasses import replace

    programs = find_programs()
    for package in (programs.package, programs.package.with_name(f"{programs.package.name}.libs")):
        (closed / package.name).symlink_to(package)
    closed.chmod(0o700)
    package = closed / programs.package.name
    return replace(programs, folder=package / "pginstall" / "bin", package=package)
