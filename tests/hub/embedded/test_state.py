"""The data folder: secrets and who holds it."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hub.embedded.config import PROJECT_DIR
from hub.embedded.errors import FolderTaken, FolderUnusable
from hub.embedded.state import Home, write_private

HOLD = """
import sys, time
from pathlib import Path
from hub.embedded.state import Home
home = Home(Path(sys.argv[1]))
home.create()
home.take("http://127.0.0.1:8000/")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


@pytest.fixture
def other_run(home: Home):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT_DIR,
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.stdin.close()


def test_a_secret_is_made_once_and_read_by_us_alone(home: Home) -> None:
    first = home.secret("secret_key")
    assert len(first) >= 50
    assert home.secret("secret_key") == first
    assert stat.S_IMODE(home.secret_path("secret_key").stat().st_mode) == 0o600
    assert home.secret("valkey_password") != first


def test_everything_that_is_private_is_closed_to_others(home: Home) -> None:
    expected = 0o711 if os.geteuid() == 0 else 0o700
    assert stat.S_IMODE(home.path.stat().st_mode) == expected
    for name in ("secrets", "logs", "valkey", "storage"):
        assert stat.S_IMODE((home.path / name).stat().st_mode) == 0o700


def test_a_private_file_replaces_an_open_one_and_is_never_open_itself(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_second_run_is_told_who_holds_the_folder(home: Home, other_run) -> None:
    with pytest.raises(FolderTaken) as caught:
        home.take("http://127.0.0.1:9000/")
    assert f"process {other_run.pid}" in caught.value.message
    assert "http://127.0.0.1:8000/ since 2" in caught.value.message
    assert str(home.path) in caught.value.message


def test_a_killed_run_holds_nothing(home: Home, other_run) -> None:
    other_run.send_signal(signal.SIGKILL)
    other_run.wait()
    home.take("http://127.0.0.1:9000/")
    home.release()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FolderUnusable, match="file/home cannot be used"):
        Home(tmp_path / "file" / "home").create()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of somebody else")
def test_the_folder_of_another_account_is_refused_by_name(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    os.chown(foreign, 65534, 65534)
    with pytest.raises(FolderUnusable, match="belongs to nobody"):
        Home(foreign).create()
