"""Zip files made to hurt: nothing leaves its place, nothing unpacks without end."""

import io
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from tests.factories.training import bring_in, make_dataset, picture_bytes, zip_bytes
from training.datasets.models.importing import ImportStatus, Outcome

pytestmark = pytest.mark.django_db


def result(data: bytes) -> dict[str, str]:
    report = bring_in(make_dataset(), "set.zip", data)
    return {entry.name: entry.outcome for entry in report.entries}


def test_names_that_climb_out_are_refused_and_the_rest_goes_on() -> None:
    before = set(Path(settings.ATELIER_HOME).parent.glob("evil*"))
    found = result(
        zip_bytes(
            {
                "../../evil.png": picture_bytes(1),
                "/evil.png": picture_bytes(2),
                "good.png": picture_bytes(3),
            }
        )
    )
    assert found == {
        "../../evil.png": Outcome.UNSAFE_NAME,
        "/evil.png": Outcome.UNSAFE_NAME,
        "good.png": Outcome.ADDED,
    }
    assert set(Path(settings.ATELIER_HOME).parent.glob("evil*")) == before


def test_a_symbolic_link_is_refused() -> None:
    out = io.BytesIO()
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert result(out.getvalue()) == {"link.png": Outcome.UNSAFE_NAME}


def test_a_member_that_unpacks_without_measure_is_refused() -> None:
    found = result(zip_bytes({"bomb.png": b"\0" * 50_000_000, "good.png": picture_bytes(1)}))
    assert found == {"bomb.png": Outcome.BROKEN, "good.png": Outcome.ADDED}


def test_all_members_together_have_a_limit() -> None:
    one = picture_bytes(1)
    with override_settings(ARCHIVE_MAX_BYTES=len(one)):
        found = result(zip_bytes({"a.png": one, "b.png": picture_bytes(2)}))
    assert found == {"a.png": Outcome.ADDED, "b.png": Outcome.TOO_LARGE}


@pytest.mark.parametrize(("limit", "status"), [(2, ImportStatus.DONE), (1, ImportStatus.FAILED)])
def test_the_number_of_members_has_a_limit(limit: int, status: str) -> None:
    data = zip_bytes({"a.png": picture_bytes(1), "b.png": picture_bytes(2)})
    with override_settings(ARCHIVE_MAX_MEMBERS=limit):
        report = bring_in(make_dataset(), "set.zip", data)
    assert report.batch.status == status
    assert bool(report.batch.error_message) == (status == ImportStatus.FAILED)


def test_a_cut_archive_says_so() -> None:
    report = bring_in(make_dataset(), "set.zip", zip_bytes({"a.png": picture_bytes(1)})[:-30])
    assert report.batch.status == ImportStatus.FAILED
    assert report.batch.error_code == "archive_damaged"


def test_an_encrypted_member_is_named() -> None:
    data = bytearray(zip_bytes({"a.png": picture_bytes(1)}))
    data[6] |= 1
    central = data.rindex(b"PK\x01\x02")
    data[central + 8] |= 1
    assert result(bytes(data)) == {"a.png": Outcome.ENCRYPTED}


def test_an_archive_in_an_archive_is_no_picture() -> None:
    inner = zip_bytes({"a.png": picture_bytes(1)})
    assert result(zip_bytes({"inner.zip": inner})) == {"inner.zip": Outcome.NOT_AN_IMAGE}


def test_a_name_that_comes_twice_is_reported_twice() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.png", picture_bytes(1))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.png", picture_bytes(2))
    assert sorted(result(out.getvalue())) == ["a.png", "a.png (2)"]


def test_a_chinese_name_of_an_old_windows_tool_is_readable() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("XXXXXX.png", picture_bytes(1))
    data = out.getvalue().replace(b"XXXXXX.png", "山水画".encode("gb18030") + b".png")
    assert result(data) == {"山水画.png": Outcome.ADDED}
