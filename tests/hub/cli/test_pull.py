"""`atelier search`, `show` and `pull` against a running hub."""

import hashlib
import json
from collections import namedtuple
from decimal import Decimal
from pathlib import Path

import pytest

from hub.core.visibility import Visibility
from hub.storage.backends.base import key_for
from hub.storage.backends.chosen import blob_store
from hub.storage.blobs import store_bytes
from models_registry.models.conversion import FileConversion
from models_registry.models.model import Model, ModelType
from models_registry.models.version import ModelVersion
from models_registry.services import drafts, files, publish
from models_registry.services.collections import collect_model, create_collection
from models_registry.services.recommendations import add_resource
from models_registry.services.values import Resource, Weight
from models_registry.tasks import convert_file_task
from tests.factories.formats import png_bytes
from tests.factories.registry import (
    add_clean_file,
    lora_bytes,
    make_model,
    make_version,
    publish_model,
)
from tests.models_registry.test_conversion import EMBEDDING


def publish_large(seed: int = 7) -> ModelVersion:
    """A published LoRA of about 280 kB."""
    model = make_model(name="Large")
    version = make_version(model, weight=0.8)
    blob = store_bytes(lora_bytes(seed=seed, rank=128), content_type="application/octet-stream")
    file = files.add_file(actor=model.owner, version=version, blob=blob, name="large.safetensors")
    files.process_file(file_id=file.pk)
    publish.publish_version(actor=model.owner, version=version)
    return version


@pytest.fixture
def large(hub_url):
    return publish_large()


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def part_of(folder: Path) -> Path:
    [part] = folder.rglob("*.part")
    return part


def test_search_and_show_find_what_the_pages_find(atelier):
    version = publish_model(name="Ink Wash", trigger_words=["inkwash"])
    publish_model(name="Neon", seed=2, trigger_words=["glow"])
    [row] = atelier("search", "inkwash", "--json").json
    assert (row["id"], row["name"]) == (version.model_id, "Ink Wash")
    assert "Ink Wash" in atelier("search").out
    shown = atelier("show", version.model_id, "--json").json
    assert shown["versions"][0]["id"] == version.pk
    assert version.files.get().blob.sha256 in atelier("show", f"version:{version.pk}").out
    assert atelier("show", 999_999, "--json", code=5).error["code"] == "not_found"
    assert atelier("show", "Ink Wash", code=2).err.startswith("Error: 'Ink Wash' names nothing")


def test_search_goes_through_all_pages(atelier):
    for number in range(3):
        publish_model(name=f"Model {number}", seed=number)
    assert len(atelier("search", "--limit", 2, "--json").json) == 2
    assert len(atelier("search", "--json").json) == 3


def test_a_model_goes_into_its_folder_with_everything_beside_it(atelier, tmp_path):
    version = publish_model(name="Ink Wash", trigger_words=["inkwash", "sumi"], weight=0.7)
    picture = png_bytes()
    drafts.add_cover(
        actor=version.model.owner,
        version=version,
        blob=store_bytes(picture, content_type="image/png"),
    )
    (tmp_path / "webui.py").touch()
    [file] = atelier("pull", version.model_id, "--to", tmp_path, "--json").json["files"]
    path = tmp_path / "models" / "Lora" / "ink-wash.safetensors"
    assert Path(file["path"]) == path
    assert sha256_of(path) == version.files.get().blob.sha256
    stem = str(path.with_suffix(""))
    card = json.loads(Path(f"{stem}.json").read_text())
    assert (card["activation text"], card["preferred weight"]) == ("inkwash, sumi", 0.7)
    assert card["sd version"] == "SD1"
    info = json.loads(Path(f"{stem}.civitai.info").read_text())
    assert (info["id"], info["modelId"]) == (version.pk, version.model_id)
    assert info["trainedWords"] == ["inkwash", "sumi"]
    assert Path(f"{stem}.sha256").read_text() == f"{sha256_of(path)} *ink-wash.safetensors\n"
    assert Path(f"{stem}.preview.png").read_bytes() == picture
    version.refresh_from_db()
    assert version.download_count == 1


def test_what_is_here_is_not_fetched_again_and_notes_of_a_person_stay(atelier, tmp_path):
    version = publish_model(name="Ink Wash")
    atelier("pull", version.model_id, "--to", tmp_path)
    note = tmp_path / "ink-wash.json"
    note.write_text('{"notes": "mine"}')
    [file] = atelier("pull", version.model_id, "--to", tmp_path, "--json").json["files"]
    assert file["is_new"] is False
    assert note.read_text() == '{"notes": "mine"}'


def test_another_file_of_the_same_name_is_never_overwritten(atelier, tmp_path):
    version = publish_model(name="Ink Wash")
    (tmp_path / "ink-wash.safetensors").write_bytes(b"mine")
    [file] = atelier("pull", version.model_id, "--to", tmp_path, "--json").json["files"]
    assert Path(file["path"]).name == f"ink-wash_{version.files.get().pk}.safetensors"
    assert (tmp_path / "ink-wash.safetensors").read_bytes() == b"mine"


def test_a_version_a_hash_and_all_files_can_be_named(atelier, tmp_path):
    version = publish_model(name="Ink Wash")
    second = add_clean_file(version, seed=5, name="other.safetensors", is_primary=False)
    one = atelier("pull", f"{version.model_id}@{version.pk}", "--to", tmp_path / "a", "--json")
    assert len(one.json["files"]) == 1
    both = atelier("pull", f"version:{version.pk}", "--all-files", "--to", tmp_path / "b", "--json")
    assert len(both.json["files"]) == 2
    digits = second.blob.sha256[:10]
    [exact] = atelier("pull", f"hash:{digits}", "--to", tmp_path / "c", "--json").json["files"]
    assert exact["file_id"] == second.pk


def test_a_broken_line_is_taken_up_where_it_broke(cut_line, signed_in, large, tmp_path):
    atelier = signed_in(cut_line.url)
    size = large.files.get().blob.size_bytes
    cut_line.cut("down", after=100_000)
    [file] = atelier("pull", f"version:{large.pk}", "--to", tmp_path, "--json").json["files"]
    assert cut_line.cuts == 1
    assert len(atelier.waits) == 1
    assert sha256_of(Path(file["path"])) == file["sha256"]
    assert cut_line.passed["down"] < size + 60_000, "it began from the start again"
    assert not list(tmp_path.rglob("*.part"))


def test_a_run_that_gave_up_is_continued_by_the_next(cut_line, signed_in, large, tmp_path):
    atelier = signed_in(cut_line.url)
    cut_line.cut("down", after=100_000)
    atelier.on_wait = lambda: setattr(cut_line, "is_down", True)
    ran = atelier("pull", f"version:{large.pk}", "--to", tmp_path, "--json", code=6)
    assert ran.error["code"] == "unreachable"
    assert 50_000 < part_of(tmp_path).stat().st_size < 100_000
    cut_line.is_down, atelier.on_wait = False, lambda: None
    before = cut_line.passed["down"]
    [file] = atelier("pull", f"version:{large.pk}", "--to", tmp_path, "--json").json["files"]
    assert sha256_of(Path(file["path"])) == file["sha256"]
    assert cut_line.passed["down"] - before < large.files.get().blob.size_bytes


@pytest.fixture
def damaged(hub_url):
    """A published file whose stored bytes went bad, and those bytes; they are good again after."""
    version = publish_large(seed=99)
    stored = blob_store().local_path(key_for(version.files.get().blob.sha256))
    stored.chmod(0o600)
    good = stored.read_bytes()
    bad = good[:-1] + bytes([good[-1] ^ 0xFF])
    stored.write_bytes(bad)
    yield version, bad
    stored.write_bytes(good)


def test_bytes_with_a_wrong_hash_are_refused_and_kept_for_a_look(atelier, damaged, tmp_path):
    version, bad = damaged
    ran = atelier("pull", f"version:{version.pk}", "--to", tmp_path, "--json", code=7)
    part = part_of(tmp_path)
    assert str(part) in ran.error["error"]
    assert part.read_bytes() == bad
    assert not (tmp_path / "large.safetensors").exists()
    again = atelier("pull", f"version:{version.pk}", "--to", tmp_path, "--json", code=7)
    assert again.error["code"] == "damaged"


def test_one_bad_file_does_not_stop_the_others(atelier, damaged, tmp_path):
    version, _bad = damaged
    good = publish_model(name="Good", seed=5)
    names = (f"version:{version.pk}", f"version:{good.pk}")
    ran = atelier("pull", *names, "--to", tmp_path, "--json", code=9)
    assert [Path(file["path"]).name for file in ran.json["files"]] == ["good.safetensors"]
    assert [row["code"] for row in ran.json["failed"]] == ["damaged"]
    assert ran.error["code"] == "damaged"


def test_a_full_disk_is_told_before_the_first_byte(atelier, large, tmp_path, monkeypatch):
    full = namedtuple("usage", "total used free")(10, 9, 1)
    monkeypatch.setattr("shutil.disk_usage", lambda _path: full)
    ran = atelier("pull", f"version:{large.pk}", "--to", tmp_path, "--json", code=8)
    assert ran.error["code"] == "disk_full"


def test_a_private_model_is_not_found_by_others_and_fetched_by_its_owner(
    hub_url, signed_in, tmp_path
):
    version = publish_model(name="Secret", visibility=Visibility.PRIVATE)
    stranger = signed_in(hub_url)
    assert stranger("pull", f"version:{version.pk}", "--to", tmp_path, code=5)
    digits = version.files.get().blob.sha256[:12]
    assert stranger("pull", f"hash:{digits}", "--to", tmp_path, code=5)
    owner = signed_in(hub_url, version.model.owner)
    assert owner("pull", f"version:{version.pk}", "--to", tmp_path, "--json").json["files"]


def test_an_own_draft_can_be_fetched_before_it_is_published(hub_url, signed_in, tmp_path):
    version = make_version(make_model(name="Draft"))
    add_clean_file(version)
    owner = signed_in(hub_url, version.model.owner)
    [file] = owner("pull", f"version:{version.pk}", "--to", tmp_path, "--json").json["files"]
    assert not Path(file["path"]).with_suffix(".civitai.info").exists()


def test_the_models_of_a_picture_are_fetched_into_their_folders(atelier, tmp_path):
    lora = publish_model(name="Ink Wash", seed=1)
    base = publish_model(name="Base", seed=2, type=ModelType.CHECKPOINT, trigger_words=())
    hashes = {row.kind: row.value for row in lora.files.get().hashes.all()}
    text = (
        "a mountain <lora:ink-wash:0.8> <lora:lost:1>\nSteps: 20, Sampler: Euler a, CFG scale: 7, "
        f"Seed: 1, Size: 64x64, Model hash: {base.files.get().blob.sha256[:10]}, Model: base, "
        f'Lora hashes: "ink-wash: {hashes["AutoV3"]}, lost: 00000000abcd", Version: v1.10.1'
    )
    picture = tmp_path / "made.png"
    picture.write_bytes(png_bytes({"parameters": text}))
    root = tmp_path / "ComfyUI"
    (root / "comfy").mkdir(parents=True)
    ran = atelier("pull", "--needed-by", picture, "--to", root, "--json", code=9)
    assert {Path(file["path"]).parent.name for file in ran.json["files"]} == {
        "loras",
        "checkpoints",
    }
    assert [need["name"] for need in ran.json["missing"]] == ["lost"]
    assert "lost" in ran.error["error"]


def test_a_collection_is_fetched_and_kept_in_step_as_far_as_one_may_see(atelier, tmp_path):
    shown = publish_model(name="Ink Wash", seed=1)
    hidden = publish_model(name="Hidden", seed=2, visibility=Visibility.PRIVATE)
    curator = hidden.model.owner
    listed = create_collection(actor=curator, name="Inks", visibility=Visibility.PUBLIC)
    secret = create_collection(actor=curator, name="Secret")
    for version in (shown, hidden):
        collect_model(actor=curator, collection=listed, model=version.model)
    for target in (f"collection:{listed.pk}", f"http://hub.example/collections/{listed.pk}/"):
        [file] = atelier("pull", target, "--to", tmp_path, "--json").json["files"]
        assert file["model"] == "Ink Wash v1"
    atelier("pull", f"collection:{secret.pk}", "--to", tmp_path, code=5)
    folder = tmp_path / "kept"
    first = atelier("sync", folder, "--collection", listed.pk, "--json").json
    assert first["new"] == ["ink-wash.safetensors"]
    assert atelier("sync", folder, "--json").json["unchanged"] == 1
    settings = tmp_path / "run.toml"
    settings.write_text("")
    wrong = atelier("train", settings, "--base", f"collection:{listed.pk}", code=2)
    assert wrong.err


def test_the_program_says_its_version(atelier):
    assert atelier("--version").out.startswith("atelier")


def test_a_picture_without_generation_data_is_told_so(atelier, tmp_path):
    picture = tmp_path / "plain.png"
    picture.write_bytes(png_bytes())
    ran = atelier("pull", "--needed-by", picture, "--json", code=8)
    assert ran.error["code"] == "no_generation_data"


def test_a_name_from_the_hub_never_leaves_the_folder(atelier, tmp_path):
    version = publish_model(name="Ink Wash")
    version.files.update(override_name="../../evil.safetensors")
    [file] = atelier("pull", f"version:{version.pk}", "--to", tmp_path / "in", "--json").json[
        "files"
    ]
    assert Path(file["path"]).parent == tmp_path / "in"


def test_an_archived_models_files_are_refused_in_the_hubs_words(atelier, tmp_path):
    version = publish_model(name="Old")
    model = Model.objects.get(pk=version.model_id)
    publish.archive_model(actor=model.owner, model=model)
    ran = atelier("pull", f"version:{version.pk}", "--to", tmp_path, "--json", code=4)
    assert "archived" in ran.error["error"]


def test_one_of_several_that_is_not_there_does_not_stop_the_others(atelier, tmp_path):
    version = publish_model()
    ran = atelier("pull", "999999", version.model_id, "--to", tmp_path, "--json", code=9)
    assert [row["file"] for row in ran.json["failed"]] == ["999999"]
    assert [row["version_id"] for row in ran.json["files"]] == [version.pk]
    assert ran.error["code"] == "not_found"


def test_an_empty_list_is_said_and_no_table_is_drawn(atelier):
    ran = atelier("search", "nothing-of-that-name")
    assert (ran.out, ran.err.strip()) == ("", "Nothing was found.")
    assert atelier("search", "nothing-of-that-name", "--json").json == []


def test_show_names_the_bands_and_what_goes_with_a_version(atelier):
    version = publish_model(weight=Weight(Decimal("0.8"), Decimal("0.6"), Decimal("1.0")))
    add_resource(
        actor=version.model.owner,
        version=version,
        resource=Resource(kind="negative_embedding", name="EasyNegative"),
    )
    out = atelier("show", version.model_id).out
    assert "0.8 (0.6 to 1)" in out
    assert "negative_embedding  EasyNegative" in out


def test_a_pickle_of_ones_own_is_converted(atelier, tmp_path):
    model = make_model(owner=atelier.person, type=ModelType.TEXTUAL_INVERSION)
    version = drafts.create_version(actor=atelier.person, model=model)
    blob = store_bytes(EMBEDDING, content_type="application/octet-stream")
    file = files.add_file(actor=atelier.person, version=version, blob=blob, name="cat.pt")
    files.process_file(file_id=file.pk)

    def work() -> None:
        convert_file_task(conversion_id=FileConversion.objects.get(file=file).pk)

    atelier.on_wait = work
    [row] = atelier("convert", f"version:{version.pk}", "--json").json
    assert (row["status"], row["file_id"]) == ("succeeded", file.pk)
    made = version.files.get(pk=row["result_id"])
    assert made.name == "cat.safetensors"
    assert len(atelier.waits) == 1
    assert atelier("convert", f"version:{version.pk}", "--json").json == [row]
    published = publish_model(owner=atelier.person, seed=3)
    ran = atelier("convert", published.model_id, "--json", code=5)
    assert ran.error["code"] == "no_pickle"


def test_the_hub_answers_in_the_language_of_the_system(atelier, monkeypatch):
    monkeypatch.setenv("LANGUAGE", "")
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert "没有" in atelier("show", "999999", code=5).err
    told = atelier("show", "999999", "--json", code=5).error["error"]
    assert told.isascii()  # what other programs read is not translated


def test_a_main_file_that_is_not_cleared_stands_in_no_ones_way(atelier, tmp_path):
    version = publish_model(name="Ink Wash")
    add_clean_file(version, seed=9, name="newer.safetensors")
    version.files.filter(is_primary=True).update(scan_status="Danger")
    [pulled] = atelier("pull", version.model_id, "--to", tmp_path, "--json").json["files"]
    assert sha256_of(Path(pulled["path"])) == version.files.get(is_primary=False).blob.sha256
