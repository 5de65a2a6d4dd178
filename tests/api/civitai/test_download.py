"""`/api/download/models/{id}`: choice, name, link, ranges, refusals, counting."""

from datetime import timedelta

import pytest
from django.core import signing
from django.utils import timezone

from hub.accounts.models import Role
from hub.accounts.services import add_member, remove_member
from hub.core.visibility import Visibility
from models_registry.models.file import FileFormat, ModelFile, ScanStatus
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion
from models_registry.services import publish
from models_registry.services.download import LINK_SALT
from tests.api.civitai.conftest import key_of
from tests.factories.accounts import UserFactory, make_team
from tests.factories.registry import add_clean_file, lora_bytes, publish_model

pytestmark = pytest.mark.django_db


def start(api, version, **options):
    return api.raw(f"/api/download/models/{version.pk}", **options)


def follow(api, response, **options):
    assert response.status_code == 307, response.content
    return api.raw(response["Location"].removeprefix("http://testserver"), **options)


def test_a_download_is_a_redirect_to_a_link_on_the_same_host_that_needs_no_key(api):
    version = publish_model()
    redirect = start(api, version)
    assert redirect["Location"].startswith("http://testserver/api/download/signed/")
    assert redirect["Cache-Control"] == "no-store, max-age=0"
    answer = follow(api, redirect)
    data = b"".join(answer)
    assert data == lora_bytes(seed=0)
    assert answer["Content-Length"] == str(len(data))
    assert answer["ETag"] == f'"{version.files.get().blob.sha256}"'
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["Content-Disposition"] == 'attachment; filename="ink-wash.safetensors"'


def test_a_broken_download_goes_on_where_it_stopped(api):
    redirect = start(api, publish_model())
    whole = lora_bytes(seed=0)
    part = follow(api, redirect, headers={"Range": "bytes=100-"})
    assert part.status_code == 206
    assert b"".join(part) == whole[100:]
    assert part["Content-Range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
    beyond = follow(api, redirect, headers={"Range": f"bytes={len(whole)}-"})
    assert beyond.status_code == 416
    other = follow(api, redirect, headers={"Range": "bytes=1-", "If-Range": '"else"'})
    assert other.status_code == 200


def test_head_answers_without_bytes_and_counts_nothing(api):
    version = publish_model()
    redirect = start(api, version, method="head")
    head = follow(api, redirect, method="head")
    assert head["Content-Length"] == str(len(lora_bytes(seed=0)))
    version.refresh_from_db()
    assert version.download_count == 0


def test_a_name_beyond_ascii_goes_out_as_raw_utf8_in_the_one_parameter(api):
    version = publish_model()
    ModelFile.objects.filter(version=version).update(name="水墨.safetensors")
    answer = follow(api, start(api, version))
    raw = answer["Content-Disposition"].encode("latin-1").decode("utf-8")
    assert raw == 'attachment; filename="水墨.safetensors"'


def test_parameters_choose_the_file_and_a_mismatch_is_404(api):
    version = publish_model()
    full = add_clean_file(version, seed=4, name="full.safetensors", is_primary=False)
    ModelFile.objects.filter(pk=full.pk).update(precision="fp32", size_kind="full")

    def name_for(query: str) -> str:
        answer = follow(api, api.raw(f"/api/download/models/{version.pk}?{query}"))
        return answer["Content-Disposition"].split('"')[1]

    assert name_for("") == "ink-wash.safetensors"
    assert name_for("fp=fp32") == "full.safetensors"
    assert name_for("type=Model&format=SafeTensor&size=full") == "full.safetensors"
    assert name_for(f"fileId={full.pk}") == "full.safetensors"
    for query in ("format=PickleTensor", "fp=bf16", "type=VAE", "fileId=999999", "fileId=x"):
        refused = api.raw(f"/api/download/models/{version.pk}?{query}")
        assert refused.status_code == 404, query
        assert isinstance(refused.json()["error"], str)


def test_keys_work_as_header_and_as_parameter_and_never_reach_the_link(api, api_of):
    team = make_team()
    version = publish_model(owner=team.created_by, team=team, visibility=Visibility.TEAM)
    key = key_of(team.created_by)
    assert start(api, version).status_code == 404
    for response in (
        start(api, version, headers={"Authorization": f"Bearer {key}"}),
        api.raw(f"/api/download/models/{version.pk}?token={key}"),
    ):
        assert key not in response["Location"]
        # The link is enough by itself: a second machine without any key can use it.
        assert b"".join(follow(api, response)) == lora_bytes(seed=0)


def test_a_file_that_is_not_cleared_goes_to_its_people_only_and_a_dangerous_one_to_nobody(
    api, api_of
):
    version = publish_model()
    owner = api_of(version.model.owner)
    for status, seen_by_others, seen_by_owner in (
        (ScanStatus.PENDING, 404, 307),
        (ScanStatus.ERROR, 404, 307),
        (ScanStatus.DANGER, 403, 403),
    ):
        ModelFile.objects.filter(version=version).update(scan_status=status)
        assert start(api, version).status_code == seen_by_others
        assert start(owner, version).status_code == seen_by_owner


def test_a_link_stops_working_once_its_file_turns_out_dangerous(api):
    version = publish_model()
    redirect = start(api, version)
    ModelFile.objects.filter(version=version).update(scan_status=ScanStatus.DANGER)
    assert follow(api, redirect).status_code == 410


def test_a_link_to_a_file_that_is_not_clean_any_more_serves_only_those_who_took_it_so(api, api_of):
    version = publish_model()
    before = start(api, version)
    ModelFile.objects.filter(version=version).update(scan_status=ScanStatus.ERROR)
    assert follow(api, before).status_code == 410
    knowing = start(api_of(version.model.owner), version)
    assert b"".join(follow(api, knowing)) == lora_bytes(seed=0)


def test_a_link_ends_when_the_one_who_asked_may_not_have_the_file_any_more(api, api_of):
    team = make_team()
    version = publish_model(owner=team.created_by, team=team, visibility=Visibility.TEAM)
    guests = publish_model(owner=team.created_by, seed=1)
    member = add_member(actor=team.created_by, team=team, user=UserFactory(), role=Role.VIEWER)
    taken = [start(api_of(member.user), version), start(api, guests)]
    assert [follow(api, link).status_code for link in taken] == [200, 200]
    remove_member(actor=team.created_by, team=team, user=member.user)
    Model.objects.filter(pk=guests.model_id).update(visibility=Visibility.PRIVATE)
    assert [follow(api, link).status_code for link in taken] == [404, 404]


def test_a_link_ends_with_the_account_of_whoever_asked_and_with_the_archive(api, api_of):
    version = publish_model()
    person = UserFactory()
    theirs, guests = start(api_of(person), version), start(api, version)
    person.is_active = False
    person.save(update_fields=["is_active"])
    assert [follow(api, link).status_code for link in (theirs, guests)] == [404, 200]
    publish.archive_model(actor=version.model.owner, model=version.model)
    assert follow(api, guests).status_code == 410


def test_a_forged_or_old_link_is_refused(api, monkeypatch):
    version = publish_model()
    file = version.files.get()
    forged = signing.dumps(file.pk, salt="other")
    assert api.raw(f"/api/download/signed/{forged}/x.safetensors").status_code == 404
    token = signing.dumps([file.pk, 0], salt=LINK_SALT)
    later = timezone.now().timestamp() + 24 * 3600 + 60
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert api.raw(f"/api/download/signed/{token}/x.safetensors").status_code == 410


def test_sign_in_is_asked_of_programs_as_json_and_of_browsers_as_a_page(api, api_of):
    version = publish_model()
    ModelVersion.objects.filter(pk=version.pk).update(requires_sign_in=True)
    program = start(api, version)
    assert (program.status_code, program.json()["error"]) == (401, "Unauthorized")
    browser = start(api, version, headers={"Accept": "text/html,*/*"})
    assert browser.status_code == 302
    assert "reason=download-auth" in browser["Location"]
    assert start(api_of(UserFactory()), version).status_code == 307


def test_early_access_names_the_day(api, api_of):
    version = publish_model()
    until = timezone.now() + timedelta(days=2)
    ModelVersion.objects.filter(pk=version.pk).update(early_access_until=until)
    refused = start(api, version)
    assert refused.status_code == 403
    assert refused.json()["error"] == "Early Access"
    assert refused.json()["deadline"].endswith("Z")
    assert start(api_of(version.model.owner), version).status_code == 307
    assert api.get("models")["items"][0]["modelVersions"][0]["availability"] == "EarlyAccess"


def test_archived_is_410_missing_is_404_and_nonsense_400(api):
    version = publish_model()
    publish.archive_model(actor=version.model.owner, model=version.model)
    assert start(api, version).status_code == 410
    assert api.raw("/api/download/models/999999").status_code == 404
    assert api.raw("/api/download/models/abc").status_code == 400


def test_each_person_counts_once_a_day(api, api_of):
    version = publish_model()
    reader = api_of(UserFactory())
    for client in (reader, reader, api, api):
        start(client, version, headers={"User-Agent": "A"})
    start(api, version, headers={"User-Agent": "B"})
    version.refresh_from_db()
    version.model.refresh_from_db()
    assert version.download_count == version.model.download_count == 3


def test_bytes_lost_by_the_store_are_410_not_an_empty_file(api):
    from hub.storage.blobs import local_path

    version = publish_model()
    redirect = start(api, version)
    local_path(version.files.get().blob).unlink()
    answer = follow(api, redirect)
    assert answer.status_code == 410
    assert "missing" in answer.json()["error"]


def test_names_follow_civitais_rule(api):
    from models_registry.services.download import download_name

    lora = publish_model(seed=1).files.get()
    assert download_name(lora) == "ink-wash.safetensors"
    checkpoint = publish_model(name="Ink: Wash/XL", type="Checkpoint", seed=2).files.get()
    assert download_name(checkpoint) == "Ink_WashXL_v1.safetensors"
    embedding = publish_model(
        name="Bad hands", type="TextualInversion", seed=3, trigger_words=["bad_hands_v2"]
    ).files.get()
    assert download_name(embedding) == "bad_hands_v2.safetensors"
    embedding.kind = "Negative"
    assert download_name(embedding) == "bad_hands_v2-neg.safetensors"
    lora.override_name = "mine.safetensors"
    assert download_name(lora) == "mine.safetensors"
    checkpoint.kind, checkpoint.format = "Training Data", FileFormat.OTHER
    assert download_name(checkpoint) == "Ink_WashXL_v1_trainingData.zip"


@pytest.mark.parametrize("status", [ScanStatus.PENDING, ScanStatus.ERROR, ScanStatus.DANGER])
def test_a_file_that_is_not_cleared_stands_in_no_ones_way(api, status):
    version = publish_model()
    later = add_clean_file(version, seed=4, name="later.safetensors")
    ModelFile.objects.filter(pk=later.pk).update(scan_status=status)
    found = api.get(f"model-versions/{version.pk}")
    shown = found["files"]
    assert [(row["name"], row["primary"]) for row in shown] == [("ink-wash.safetensors", True)]
    assert shown[0]["downloadUrl"] == found["downloadUrl"]
    for query in ("", "?type=Model", "?format=SafeTensor"):
        answer = follow(api, api.raw(f"/api/download/models/{version.pk}{query}"))
        assert answer["Content-Disposition"] == 'attachment; filename="ink-wash.safetensors"'
    assert api.get(f"model-versions/mini/{version.pk}")["fileName"] == shown[0]["name"]
    refused = api.raw(f"/api/download/models/{version.pk}?fileId={later.pk}")
    assert refused.status_code == (403 if status == ScanStatus.DANGER else 404)
