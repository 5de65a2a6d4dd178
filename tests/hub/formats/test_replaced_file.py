import pytest

from hub.formats.replaced_file import replaced_file


def write_and_fail(path):
    with replaced_file(path) as out:
        out.write(b"new")
        raise ZeroDivisionError


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError):
        write_and_fail(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_new_file_can_be_read_by_others(tmp_path):
    path = tmp_path / "file"
    with replaced_file(path) as out:
        out.write(b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o044 == 0o044
