"""A collection, a creator, a list as one zip: what is in it, resumed, counted, kept from others."""

import io
import json
import zipfile

import pytest
from django.test import Client

from hub.storage.blobs import local_path, open_blob
from models_registry.models.file import ModelFile
from models_registry.services.collections import collect_model, create_collection
from tests.factories.accounts import UserFactory
from tests.factories.registry import add_clean_file, publish_model

pytestmark = pytest.mark.django_db

ALL = "/models/export/models.zip"


def body(response) -> bytes:
    return b"".join(response)


def archive_of(response) -> zipfile.ZipFile:
    assert response.status_code == 200, response.content
    return zipfile.ZipFile(io.BytesIO(body(response)))


@pytest.fixture
def versions():
    owner = UserFactory()
    return [
        publish_model(name="Ink Wash", seed=1, owner=owner),
        publish_model(name="Ink wash", seed=2),
        publish_model(name="Alone", seed=3, visibility="private", owner=owner),
    ]


def test_the_archive_holds_every_file_and_a_manifest(versions):
    with archive_of(Client().get(ALL)) as archive:
        assert archive.testzip() is None  # the recorded checksums are those of the bytes
        names = archive.namelist()
        manifest = json.loads(archive.read("manifest.json"))
        stored = {archive.read(name) for name in names[1:]}
    files = [version.files.get() for version in versions[:2]]
    expected = set()
    for file in files:
        with open_blob(file.blob) as stream:
            expected.add(stream.read())
    assert stored == expected
    assert {name.partition("/")[0] for name in names[1:]} == {"LORA"}
    assert len({name.casefold() for name in names}) == 3
    assert manifest["isComplete"] is True
    assert manifest["paths"].keys() == {str(file.pk) for file in files}


def test_a_layout_puts_files_where_a_program_looks(versions):
    with archive_of(Client().get(ALL, {"layout": "a1111"})) as archive:
        assert archive.namelist()[1].startswith("models/Lora/")
    with archive_of(Client().get(ALL, {"layout": "comfyui"})) as archive:
        assert archive.namelist()[1].startswith("models/loras/")
    assert Client().get(ALL, {"layout": "other"}).status_code == 400


def test_a_download_goes_on_where_it_stopped(versions):
    whole = Client().get(ALL)
    data, etag = body(whole), whole["ETag"]
    assert int(Client().head(ALL)["Content-Length"]) == len(data)
    for cut in (1, 100, len(data) - 1):
        headers = {"Range": f"bytes={cut}-", "If-Range": etag}
        rest = Client().get(ALL, headers=headers)
        assert (rest.status_code, rest["Content-Range"]) == (
            206,
            f"bytes {cut}-{len(data) - 1}/{len(data)}",
        )
        assert data[:cut] + body(rest) == data
    assert Client().get(ALL, headers={"Range": f"bytes={len(data)}-"}).status_code == 416
    assert Client().get(ALL, headers={"If-None-Match": etag}).status_code == 304
    publish_model(name="New", seed=9)
    changed = Client().get(ALL, headers={"Range": "bytes=5-", "If-Range": etag})
    assert changed.status_code == 200


def test_it_counts_once_for_each_person_and_day_and_not_for_the_rest_of_it(versions):
    person = Client()
    person.force_login(UserFactory())
    for headers in ({}, {}, {"Range": "bytes=10-"}):
        body(person.get(ALL, headers=headers))
    person.head(ALL)
    for version in versions[:2]:
        version.refresh_from_db()
        version.model.refresh_from_db()
        assert (version.download_count, version.model.download_count) == (1, 1)


def test_only_what_a_person_may_have_is_in_it(versions):
    owner = versions[2].model.owner
    mine = Client()
    mine.force_login(owner)
    shelf = create_collection(actor=owner, name="Shelf", visibility="public")
    for version in versions:
        collect_model(actor=owner, collection=shelf, model=version.model)
    address = f"/collections/{shelf.pk}/models.zip"
    with archive_of(mine.get(address)) as archive:
        assert len(archive.namelist()) == 4
    with archive_of(Client().get(address)) as archive:
        assert len(archive.namelist()) == 3
        assert "Alone" not in archive.read("manifest.json").decode()
    ModelFile.objects.filter(version=versions[0]).update(scan_status="Danger")
    with archive_of(Client().get(address)) as archive:
        assert len(archive.namelist()) == 2


def test_what_may_not_be_taken_now_is_named_with_its_reason(versions):
    versions[0].requires_sign_in = True
    versions[0].save()
    with archive_of(Client().get(ALL)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert len(manifest["paths"]) == 1
    assert "sign in" in manifest["leftOut"][0]["reason"]


def test_a_creator_and_a_query_are_lists_too(versions):
    with archive_of(Client().get(ALL, {"by": versions[1].model.owner.username})) as archive:
        assert len(archive.namelist()) == 2
    assert Client().get(ALL, {"q": "nothing is called so"}).status_code == 404


def test_the_limit_holds_on_both_sides(versions, settings):
    settings.BULK_MAX_MODELS = 2
    assert Client().get(ALL).status_code == 200
    settings.BULK_MAX_MODELS = 1
    assert Client().get(ALL).status_code == 413


def test_more_models_do_not_need_more_queries(versions, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as first:
        Client().head(ALL)
    for seed in range(10, 14):
        add_clean_file(publish_model(name=f"More {seed}", seed=seed), seed=seed + 100)
    with django_assert_num_queries(len(first)):
        Client().head(ALL)


def test_a_file_that_the_store_lost_breaks_the_line_and_is_never_made_up(versions):
    local_path(versions[0].files.get().blob).unlink()
    with pytest.raises(FileNotFoundError):
        body(Client().get(ALL))


def test_the_list_for_aria2_has_links_that_work_without_a_session(versions):
    mine = Client()
    mine.force_login(versions[2].model.owner)
    text = mine.get("/models/export/aria2.txt", {"scope": "mine"}).content.decode()
    links = [line for line in text.splitlines() if line.startswith("http")]
    signed = [link for link in links if "/signed/" in link]
    assert len(signed) == 1
    assert Client().get(signed[0].removeprefix("http://testserver")).status_code == 200
