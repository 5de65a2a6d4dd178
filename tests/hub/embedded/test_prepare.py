"""`manage.py prepare`: what happens before the site answers."""

import stat
from pathlib import Path

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import call_command

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def static_root(settings, tmp_path: Path) -> Path:
    settings.STATIC_ROOT = tmp_path / "static"
    return settings.STATIC_ROOT


def test_the_first_start_makes_an_administrator_who_can_sign_in(tmp_path: Path) -> None:
    file = tmp_path / "password"
    call_command("prepare", admin_password_file=file)
    admin = authenticate(username="admin", password=file.read_text().strip())
    assert admin is not None
    assert admin.is_superuser
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_later_start_leaves_the_administrator_and_the_file_alone(tmp_path: Path) -> None:
    file = tmp_path / "password"
    call_command("prepare", admin_password_file=file)
    admin = get_user_model().objects.get()
    admin.set_password("changed by its owner")
    admin.save(update_fields=["password"])
    first = file.read_text()
    call_command("prepare", admin_password_file=file)
    assert file.read_text() == first
    assert authenticate(username="admin", password="changed by its owner") == admin


def test_a_database_with_accounts_gets_no_administrator(tmp_path: Path) -> None:
    get_user_model().objects.create_user(username="mira")
    call_command("prepare", admin_password_file=tmp_path / "password")
    assert not (tmp_path / "password").exists()
    assert not get_user_model().objects.filter(is_superuser=True).exists()


def test_static_files_are_collected_again_only_when_one_changed(
    settings, static_root: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "site.css").write_text("a { color: red }")
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    call_command("prepare")
    collected = static_root / "site.css"
    collected.write_text("left as it is")
    call_command("prepare")
    assert collected.read_text() == "left as it is"
    (source / "site.css").write_text("a { color: blue }")
    call_command("prepare")
    assert collected.read_text() == "a { color: blue }"


def test_static_files_that_came_with_the_program_are_never_collected_again(
    static_root: Path,
) -> None:
    call_command("prepare", pack_static=True)
    static_root.chmod(0o555)
    packed = sorted(static_root.iterdir())
    (static_root / ".collected").chmod(0o444)
    call_command("prepare")
    static_root.chmod(0o755)
    assert len(packed) > 3
    assert sorted(static_root.iterdir()) == packed
