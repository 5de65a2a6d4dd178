"""`atelier push` against a running hub, and back again by `pull`."""

import errno
import fcntl
import hashlib
import json
import os
from pathlib import Path

import pytest

from hub.storage.models import Upload, UploadStatus
from hub.storage.uploads import partial_path
from models_registry.models.file import ModelFile
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion
from models_registry.services import files, publish
from models_registry.services.counters import refresh_facts
from tests.factories.accounts import make_team
from tests.factories.formats import png_bytes
from tests.factories.registry import (
    add_clean_file,
    lora_bytes,
    make_model,
    make_version,
    publish_model,
    safetensors_bytes,
)
from tests.hub.embedded.processes import wait_until


@pytest.fixture
def folder(tmp_path):
    """Two LoRA files with everything that other tools put beside them."""
    root = tmp_path / "Lora"
    (root / "styles").mkdir(parents=True)
    (root / "styles" / "ink.safetensors").write_bytes(lora_bytes(seed=11))
    info = {
        "id": 900,
        "modelId": 90,
        "name": "v2",
        "baseModel": "SD 1.5",
        "trainedWords": ["inkwash", "sumi"],
        "model": {"name": "Ink Wash", "type": "LORA"},
    }
    (root / "styles" / "ink.civitai.info").write_text(json.dumps(info))
    (root / "styles" / "ink.preview.png").write_bytes(png_bytes())
    (root / "neon.safetensors").write_bytes(lora_bytes(seed=12))
    card = {
        "activation text": "neon style, glow",
        "preferred weight": 0.6,
        "description": "Bright",
    }
    (root / "neon.json").write_text(json.dumps(card))
    (root / ".hidden.safetensors").write_bytes(lora_bytes(seed=13))
    return root


def look_at_files() -> None:
    """What the hub's worker does meanwhile."""
    for file_id in ModelFile.objects.filter(scan_status="Pending").values_list("pk", flat=True):
        files.process_file(file_id=file_id)


def until_the_hub_let_go() -> None:
    """Wait for the first bytes of an upload, then for the lock that the hub holds on it.

    It holds the lock from the first byte until it noticed the broken line.
    """
    for upload in Upload.objects.filter(status=UploadStatus.RECEIVING):
        path = partial_path(upload.pk)
        wait_until(lambda path=path: path.stat().st_size > 0, "bytes that passed the line")
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)


def test_a_folder_goes_to_the_hub_and_comes_back_byte_for_byte(atelier, folder, tmp_path):
    atelier.on_wait = look_at_files
    pushed = atelier("push", folder, "--publish", "--json").json
    assert [(row["outcome"], row["status"]) for row in pushed] == [("sent", "Published")] * 2
    ink = ModelVersion.objects.get(name="v2")
    assert (ink.model.name, ink.model.type, ink.base_model.name) == ("Ink Wash", "LORA", "SD 1.5")
    assert ink.trained_words == ["inkwash", "sumi"]
    assert ink.covers.count() == 1
    neon = ModelVersion.objects.get(model__name="neon")
    assert (neon.trained_words, float(neon.weight_default)) == (["neon style", "glow"], 0.6)
    assert neon.description == "Bright"
    back = tmp_path / "back"
    ids = [row["model_id"] for row in pushed]
    pulled = atelier("pull", *ids, "--to", back, "--json").json["files"]
    sent = {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("[!.]*.safet*")}
    assert {hashlib.sha256(Path(f["path"]).read_bytes()).hexdigest() for f in pulled} == sent
    assert (back / "ink.preview.png").read_bytes() == png_bytes()


def test_what_is_here_is_not_sent_again(atelier, folder):
    first = atelier("push", folder, "--json").json
    again = atelier("push", folder, "--json").json
    assert [row["outcome"] for row in again] == ["here", "here"]
    assert [row["version_id"] for row in again] == [row["version_id"] for row in first]
    assert Model.objects.count() == 2
    sent = Upload.objects.filter(purpose="model_file")
    assert [upload.status for upload in sent] == [UploadStatus.CONSUMED] * 2


def test_a_draft_of_an_earlier_run_is_published_by_the_next(atelier, folder):
    atelier("push", folder / "neon.safetensors")
    atelier.on_wait = look_at_files
    [row] = atelier("push", folder / "neon.safetensors", "--publish", "--json").json
    assert (row["outcome"], row["status"]) == ("here", "Published")


def test_a_broken_line_is_taken_up_where_it_broke(cut_line, signed_in, tmp_path):
    atelier = signed_in(cut_line.url)
    path = tmp_path / "large.safetensors"
    path.write_bytes(lora_bytes(seed=21, rank=128))
    cut_line.cut("up", after=120_000)
    atelier.on_wait = until_the_hub_let_go
    [row] = atelier("push", path, "--json").json
    assert (row["outcome"], cut_line.cuts) == ("sent", 1)
    assert atelier.waits
    assert cut_line.passed["up"] < path.stat().st_size + 110_000, "it began from the start again"
    file = ModelFile.objects.select_related("blob").get()
    assert file.blob.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_run_that_gave_up_is_continued_by_the_next(cut_line, signed_in, tmp_path):
    atelier = signed_in(cut_line.url)
    path = tmp_path / "large.safetensors"
    path.write_bytes(lora_bytes(seed=22, rank=128))
    cut_line.cut("up", after=120_000)
    atelier.on_wait = lambda: setattr(cut_line, "is_down", True)
    assert atelier("push", path, "--json", code=6).error["code"] == "unreachable"
    upload = Upload.objects.get()
    assert upload.status == UploadStatus.RECEIVING
    cut_line.is_down, atelier.on_wait = False, until_the_hub_let_go
    until_the_hub_let_go()
    [row] = atelier("push", path, "--json").json
    assert row["outcome"] == "sent"
    assert Upload.objects.get().pk == upload.pk, "it made another upload"


def test_bytes_that_the_hub_has_are_linked_to_a_model_of_ones_own(atelier, tmp_path):
    publish_model(seed=31)
    path = tmp_path / "mine.safetensors"
    path.write_bytes(lora_bytes(seed=31))
    model = make_model(owner=atelier.person, name="Mine")
    [row] = atelier("push", path, "--model", model.pk, "--json").json
    assert (row["outcome"], row["model_id"]) == ("linked", model.pk)
    assert not Upload.objects.exists()


def test_files_whose_sidecars_name_one_version_become_one(atelier, tmp_path):
    for name, seed in (("full", 41), ("pruned", 42)):
        (tmp_path / f"{name}.safetensors").write_bytes(lora_bytes(seed=seed))
        info = {"id": 7, "modelId": 5, "name": "v1", "model": {"name": "Both", "type": "LORA"}}
        (tmp_path / f"{name}.civitai.info").write_text(json.dumps(info))
    rows = atelier("push", tmp_path, "--json").json
    assert len({row["version_id"] for row in rows}) == 1
    assert ModelVersion.objects.get().files.count() == 2


def test_a_base_model_that_is_not_in_the_table_is_left_open(atelier, tmp_path):
    path = tmp_path / "odd.safetensors"
    path.write_bytes(lora_bytes(seed=51))
    path.with_suffix(".civitai.info").write_text(json.dumps({"baseModel": "SD 99"}))
    atelier("push", path)
    assert ModelVersion.objects.get().base_model is None
    named = atelier("push", path, "--base", "SD 98", "--json").json
    assert named[0]["outcome"] == "here"


def test_what_cannot_be_told_is_asked_for_and_nothing_is_left_behind(atelier, tmp_path):
    path = tmp_path / "what.safetensors"
    path.write_bytes(safetensors_bytes({}))
    ran = atelier("push", path, "--json", code=9)
    assert ran.json[0]["code"] == "type_unknown"
    assert not Model.objects.exists()
    assert not Upload.objects.exists()
    [row] = atelier("push", path, "--type", "Other", "--json").json
    assert row["outcome"] == "sent"


def test_one_bad_file_does_not_stop_the_others(atelier, folder):
    (folder / "what.pt").write_bytes(b"nothing")
    folder.rename(folder.with_name("things"))
    ran = atelier("push", folder.with_name("things"), "--json", code=9)
    outcomes = {Path(row["path"]).name: row["outcome"] for row in ran.json}
    assert outcomes == {
        "neon.safetensors": "sent",
        "ink.safetensors": "sent",
        "what.pt": "failed",
    }


def test_a_dangerous_file_is_sent_and_not_published(atelier, tmp_path):
    path = tmp_path / "bad.pt"
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    atelier.on_wait = look_at_files
    ran = atelier("push", path, "--type", "Hypernetwork", "--publish", "--json", code=9)
    assert ran.error["code"] == "not_ready"
    assert Model.objects.get().status == "Draft"


def test_drafts_go_to_a_team_only_when_one_is_named(atelier, tmp_path):
    team = make_team(owner=atelier.person, name="Night studio")
    path = tmp_path / "ink.safetensors"
    path.write_bytes(lora_bytes(seed=61))
    atelier("push", path, "--team", team.slug, "--visibility", "team")
    model = Model.objects.get()
    assert (model.team, model.visibility) == (team, "team")


def test_a_folder_without_models_is_told_so(atelier, tmp_path):
    (tmp_path / "empty").mkdir()
    assert atelier("push", tmp_path / "empty", "--json", code=8)
    assert atelier("push", tmp_path / "nowhere", "--json", code=8)


def test_a_folder_is_kept_in_step_with_a_list(atelier, tmp_path):
    one = publish_model(name="One", seed=71)
    publish_model(name="Two", seed=72, type="VAE", trigger_words=())
    root = tmp_path / "kept"
    first = atelier("sync", root, "--type", "LORA", "--json").json
    assert first["new"] == ["one.safetensors"]
    assert atelier("sync", root, "--json").json["unchanged"] == 1
    newer = make_version(one.model, name="v2")
    add_clean_file(newer, seed=73, name="one-v2.safetensors")
    publish.publish_version(actor=one.model.owner, version=newer)
    second = atelier("sync", root, "--json").json
    assert (second["new"], second["gone"]) == (["one-v2.safetensors"], ["one.safetensors"])
    assert (root / "one.safetensors").exists()
    third = atelier("sync", root, "--delete", "--json").json
    assert third["deleted"] == ["one.safetensors"]
    left = {path.name for path in root.iterdir()}
    assert left >= {"one-v2.safetensors", "one-v2.json", "one-v2.sha256", "one-v2.civitai.info"}
    assert not [name for name in left if name.startswith("one.")]


def test_a_disk_that_takes_nothing_more_ends_a_sync_in_words(atelier, tmp_path, monkeypatch):
    publish_model(name="One", seed=75)

    def full(*_given, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)
    ran = atelier("sync", tmp_path / "kept", "--type", "LORA", "--json", code=8)
    assert ran.error["code"] == "disk_full"


def test_trouble_without_a_number_of_the_system_is_told_in_its_own_words(
    atelier, tmp_path, monkeypatch
):
    publish_model(name="One", seed=75)

    def trouble(*_given, **_options):
        raise OSError("No usable temporary file name found")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", trouble)
    ran = atelier("sync", tmp_path / "kept", "--type", "LORA", "--json", code=8)
    assert "No usable temporary file name found" in ran.error["error"]


def test_what_a_folder_keeps_is_narrowed_as_a_search_is_down_to_the_file(atelier, tmp_path):
    wanted = publish_model(name="One", seed=74)
    publish_model(name="Two", seed=75)
    half = add_clean_file(wanted, seed=76, name="one-half.safetensors", is_primary=False)
    ModelFile.objects.filter(pk=half.pk).update(precision="bf16")
    Model.objects.filter(pk=wanted.model_id).update(subject="style", licence="MIT")
    refresh_facts(model_id=wanted.model_id)
    narrow = ("--category", "STYLE", "--licence", "mit", "--verified", "--unseen")
    root = tmp_path / "kept"
    asked = atelier(
        "sync", root, *narrow, "--format", "safetensor", "--precision", "BF16", "--json"
    )
    assert asked.json["new"] == ["one-half.safetensors"]
    assert atelier("sync", root, "--json").json["unchanged"] == 1
    other = tmp_path / "other"
    assert atelier("sync", other, *narrow, "--json").json["new"] == ["one.safetensors"]


def test_a_file_that_somebody_changed_is_not_deleted(atelier, tmp_path):
    version = publish_model(name="One", seed=81)
    root = tmp_path / "kept"
    atelier("sync", root, "one", "--json")
    (root / "one.safetensors").write_bytes(b"mine now")
    publish.unpublish_version(actor=version.model.owner, version=version)
    report = atelier("sync", root, "--delete", "--json").json
    assert (report["deleted"], report["gone"]) == ([], ["one.safetensors"])
    assert (root / "one.safetensors").read_bytes() == b"mine now"


def test_the_first_sync_needs_a_list_and_never_takes_the_whole_hub(atelier, tmp_path):
    assert atelier("sync", tmp_path / "kept", code=2)
    assert not (tmp_path / "kept").exists()


NAMES = {
    b"\xb1\xe0\xba\xc5.safetensors": "编号",
    "é.safetensors".encode(): "é",
    b"caf\xe9.safetensors": "caf\ufffd",
    b"two\nlines.safetensors": "two lines",
    b"[red]x[-red].safetensors": "[red]x[-red]",
    b"-rf.safetensors": "-rf",
    b"x" * 243 + b".safetensors": "x" * 120,
}


def test_any_name_that_a_disk_can_hold_comes_through(atelier, tmp_path):
    for seed, name in enumerate(NAMES, start=80):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(lora_bytes(seed=seed))
    rows = atelier("push", tmp_path, "--json").json
    assert {row["outcome"] for row in rows} == {"sent"}
    assert set(Model.objects.values_list("name", flat=True)) == set(NAMES.values())
    assert "[red]x[-red]" in atelier("push", tmp_path).out


def test_an_empty_file_is_said_to_be_and_does_not_stop_the_others(atelier, folder):
    (folder / "empty.safetensors").touch()
    ran = atelier("push", folder, "--json", code=9)
    assert [row["code"] for row in ran.json] == ["", "", "empty_file"]
    assert Model.objects.count() == 2


def test_orders_to_the_terminal_are_shown_and_not_given(atelier, tmp_path):
    path = tmp_path / "\x1b]0;hello\x07.safetensors"
    path.write_bytes(lora_bytes(seed=90))
    shown = atelier("push", path).out
    assert "\x1b" not in shown
    assert "\\x1b]0;hello" in shown
