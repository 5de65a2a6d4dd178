"""Files: sealing, hashing, scanning by content, metadata, the gate."""

import hashlib
import pickle
import zipfile
import zlib
from datetime import timedelta
from io import BytesIO, StringIO

import pytest
from blake3 import blake3
from django.core.management import call_command
from django.utils import translation

from hub.core.errors import Conflict, Invalid, NotAllowed
from hub.core.tasks import TaskName
from hub.storage.blobs import local_path, store_bytes
from hub.storage.models import Upload, UploadStatus
from models_registry.models.file import FileFormat, FileKind, FileStage, ModelFile, ScanStatus
from models_registry.models.file_hash import HashKind
from models_registry.models.version import ModelVersion
from models_registry.services import drafts, files
from models_registry.tasks import process_file_task
from tests.factories.accounts import UserFactory
from tests.factories.registry import (
    KOHYA_METADATA,
    add_clean_file,
    lora_bytes,
    make_model,
    make_version,
    safetensors_bytes,
    store_lora,
)

pytestmark = pytest.mark.django_db


class Bomb:
    """What an attacker puts into a .ckpt."""

    def __reduce__(self):
        import os

        return os.system, ("true",)


def scanned(data: bytes, *, name: str = "file.safetensors", kind: str = "Model") -> ModelFile:
    version = make_version(make_model())
    blob = store_bytes(data, content_type="application/octet-stream")
    file = files.add_file(
        actor=version.model.owner, version=version, blob=blob, name=name, kind=kind
    )
    return files.process_file(file_id=file.pk)


def zip_bytes(members: dict[str, bytes]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_all_hashes_of_a_file_are_what_their_definitions_say():
    tensors = lora_bytes(metadata={})
    body = tensors[8 + int.from_bytes(tensors[:8], "little") :]
    own = hashlib.sha256(body).hexdigest()
    data = lora_bytes(metadata={**KOHYA_METADATA, "sshs_model_hash": own})
    found = dict(scanned(data).hashes.values_list("kind", "value"))
    assert found == {
        HashKind.SHA256: hashlib.sha256(data).hexdigest().upper(),
        HashKind.AUTOV2: hashlib.sha256(data).hexdigest()[:10].upper(),
        HashKind.AUTOV3: own[:12].upper(),
        HashKind.BLAKE3: blake3(data).hexdigest().upper(),
        HashKind.CRC32: zlib.crc32(data).to_bytes(4, "little").hex().upper(),
        HashKind.SSHS: own.upper(),
    }


def test_from_two_mebibytes_up_all_seven_kinds_are_there():
    import numpy as np

    tensor = np.zeros((600, 1024), dtype=np.float32)
    data = safetensors_bytes({"emb_params": tensor}, {"sshs_model_hash": "ab" * 32})
    file = scanned(data)
    assert set(file.hashes.values_list("kind", flat=True)) == set(HashKind.values)
    window = data[0x100000 : 0x100000 + 0x10000]
    assert file.hashes.get(kind=HashKind.AUTOV1).value == (
        hashlib.sha256(window).hexdigest()[:8].upper()
    )


def test_a_sound_safetensors_file_is_cleared_and_its_header_read():
    file = scanned(lora_bytes())
    assert (file.scan_status, file.format, file.precision) == (
        ScanStatus.SUCCESS,
        FileFormat.SAFETENSOR,
        "fp16",
    )
    assert file.header["ss_network_dim"] == "4"
    assert file.tensor_count == 3
    assert file.scan_report["looks_like"] == "LORA"


def test_the_reason_of_a_verdict_is_told_in_the_readers_language():
    file = scanned(pickle.dumps(Bomb()))
    assert file.scan_sentence == file.scan_message
    assert "%" not in file.scan_message
    with translation.override("zh-hans"):
        assert "posix.system" in file.scan_sentence
        assert file.scan_sentence != file.scan_message
    broken = scanned(lora_bytes() + b"extra")
    assert broken.scan_sentence == broken.scan_message


def test_metadata_fills_what_the_version_left_empty_and_nothing_else():
    model = make_model()
    version = drafts.create_version(actor=model.owner, model=model)
    add_clean_file(version)
    version.refresh_from_db()
    assert version.base_model.name == "SD 1.5"
    assert version.trained_words == ["inkwash"]
    assert (version.network_dim, version.network_alpha, version.clip_skip) == (4, 2.0, 2)
    assert (version.width, version.height) == (512, 512)

    told = make_version(make_model(name="Told"), base_model="Pony", trigger_words=["mine"])
    add_clean_file(told)
    told.refresh_from_db()
    assert (told.base_model.name, told.trained_words) == ("Pony", ["mine"])


def test_where_metadata_is_silent_the_tensors_tell_the_base_model():
    model = make_model()
    version = drafts.create_version(actor=model.owner, model=model)
    file = files.add_file(
        actor=model.owner, version=version, blob=store_lora(metadata={}), name="x.safetensors"
    )
    files.process_file(file_id=file.pk)
    version.refresh_from_db()
    assert version.base_model.name == "SD 1.5"


@pytest.mark.parametrize(
    "data",
    [
        lora_bytes()[:-10],
        lora_bytes() + b"extra",
        (2**40).to_bytes(8, "little") + b"{" + b"x" * 64,
        (16).to_bytes(8, "little") + b'{"a": not json!}',
    ],
    ids=["cut off", "trailing bytes", "header too long", "no json"],
)
def test_a_broken_safetensors_file_is_not_cleared_and_says_why(data):
    file = scanned(data)
    assert file.scan_status == ScanStatus.ERROR
    assert file.scan_message


def test_a_pickle_that_would_run_code_is_dangerous_whatever_it_is_called():
    data = pickle.dumps(Bomb())
    for name in ("model.safetensors", "model.ckpt", "model.pt"):
        file = scanned(data, name=name)
        assert file.scan_status == ScanStatus.DANGER
        assert "system" in file.scan_message
        assert file.format == FileFormat.PICKLETENSOR


def test_a_torch_archive_with_hidden_code_is_dangerous():
    file = scanned(zip_bytes({"archive/data.pkl": pickle.dumps(Bomb())}), name="model.ckpt")
    assert file.scan_status == ScanStatus.DANGER


def test_a_harmless_pickle_is_cleared_as_a_pickle():
    file = scanned(pickle.dumps({"emb": [1, 2, 3]}, protocol=2), name="x.pt")
    assert (file.scan_status, file.format) == (ScanStatus.SUCCESS, FileFormat.PICKLETENSOR)


def test_a_pickle_with_unknown_imports_is_not_called_clean():
    data = b"\x80\x02csome_new_library\nTensor\n."
    file = scanned(data, name="x.pt")
    assert file.scan_status == ScanStatus.ERROR
    assert "some_new_library.Tensor" in file.scan_message


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"just text", "Model", ScanStatus.ERROR),
        (b"steps: 20\n", "Config", ScanStatus.SUCCESS),
        (b"\x00\x01\x02binary", "Config", ScanStatus.ERROR),
        (b"", "Model", ScanStatus.ERROR),
        (zip_bytes({"a.txt": b"a cat"}), "Training Data", ScanStatus.SUCCESS),
        (zip_bytes({"a.txt": b"a cat"}), "Model", ScanStatus.ERROR),
        (b"PK\x03\x04damaged", "Training Data", ScanStatus.ERROR),
    ],
)
def test_other_content_is_cleared_only_where_its_kind_expects_it(data, kind, status):
    file = scanned(data, kind=kind, name="a")
    assert file.scan_status == status
    assert file.scan_message


def test_processing_again_changes_nothing_and_doubles_nothing():
    file = scanned(lora_bytes())
    before = sorted(file.hashes.values_list("kind", "value"))
    process_file_task(file_id=file.pk, later_argument=1)
    file.refresh_from_db()
    assert sorted(file.hashes.values_list("kind", "value")) == before
    assert file.scan_status == ScanStatus.SUCCESS


def test_processing_a_file_that_was_removed_is_no_error():
    file = scanned(lora_bytes())
    files.remove_file(actor=file.version.model.owner, file=file)
    assert files.process_file(file_id=file.pk) is None


def test_bytes_that_are_lost_or_damaged_are_never_cleared():
    version = make_version(make_model())
    file = files.add_file(
        actor=version.model.owner, version=version, blob=store_lora(seed=77), name="x"
    )
    path = local_path(file.blob)
    path.chmod(0o644)
    path.write_bytes(lora_bytes(seed=78))
    assert files.process_file(file_id=file.pk).scan_status == ScanStatus.ERROR
    path.unlink()
    lost = files.process_file(file_id=file.pk)
    assert lost.scan_status == ScanStatus.ERROR
    assert "missing" in lost.scan_message


def test_adding_asks_for_processing_after_the_commit(django_capture_on_commit_callbacks):
    version = make_version(make_model())
    with django_capture_on_commit_callbacks() as callbacks:
        file = files.add_file(
            actor=version.model.owner, version=version, blob=store_lora(), name="x"
        )
    sent = [call for call in callbacks if str(TaskName.REGISTRY_PROCESS_FILE) in call.args]
    assert [call.keywords["kwargs"] for call in sent] == [{"file_id": file.pk}]
    assert file.scan_status == ScanStatus.PENDING


def test_a_file_whose_wake_up_was_lost_is_asked_for_again(django_capture_on_commit_callbacks):
    version = make_version(make_model())
    file = files.add_file(actor=version.model.owner, version=version, blob=store_lora(), name="x")
    clean = add_clean_file(make_version(make_model(name="Clean")), seed=3)
    later = file.created_at + files.WAITING_AFTER
    with django_capture_on_commit_callbacks() as callbacks:
        assert files.enqueue_waiting_files(now=later) == 0
        assert files.enqueue_waiting_files(now=later + timedelta(seconds=1)) == 1
    assert [call.keywords["kwargs"] for call in callbacks] == [{"file_id": file.pk}]
    assert clean.scan_status == ScanStatus.SUCCESS


def test_the_same_bytes_twice_are_one_file_and_one_file_is_primary():
    version = make_version(make_model())
    owner = version.model.owner
    first = files.add_file(actor=owner, version=version, blob=store_lora(seed=1), name="a")
    same = files.add_file(actor=owner, version=version, blob=store_lora(seed=1), name="b")
    second = files.add_file(actor=owner, version=version, blob=store_lora(seed=2), name="c")
    assert first == same
    assert list(version.files.filter(is_primary=True)) == [second]
    for seed, kind in ((3, FileKind.CONFIG), (4, FileKind.VAE), (5, FileKind.OTHER)):
        files.add_file(actor=owner, version=version, blob=store_lora(seed=seed), kind=kind)
    assert list(version.files.filter(is_primary=True)) == [second]
    files.make_primary(actor=owner, file=first)
    assert list(version.files.filter(is_primary=True)) == [first]
    files.remove_file(actor=owner, file=first)
    assert list(version.files.filter(is_primary=True)) == [second]


def test_an_upload_becomes_a_file_once_and_only_for_its_owner():
    from django.utils import timezone

    version = make_version(make_model())
    owner = version.model.owner
    upload = Upload.objects.create(
        owner=owner,
        purpose="model_file",
        filename="My LoRA.safetensors",
        size_bytes=1,
        offset_bytes=1,
        status=UploadStatus.COMPLETE,
        blob=store_lora(),
        expires_at=timezone.now(),
    )
    file = files.add_file(actor=owner, version=version, upload_id=upload.pk)
    assert file.name == "My LoRA.safetensors"
    upload.refresh_from_db()
    assert upload.status == UploadStatus.CONSUMED
    with pytest.raises(Conflict):
        files.add_file(actor=owner, version=version, upload_id=upload.pk)


def test_strangers_and_wrong_arguments_are_refused():
    version = make_version(make_model())
    owner = version.model.owner
    with pytest.raises(NotAllowed):
        files.add_file(actor=UserFactory(), version=version, blob=store_lora())
    with pytest.raises(Invalid):
        files.add_file(actor=owner, version=version)
    with pytest.raises(Invalid):
        files.add_file(actor=owner, version=version, blob=store_lora(), kind="Sticker")
    assert not ModelFile.objects.exists()


def test_a_version_takes_so_many_files_and_no_more(monkeypatch):
    monkeypatch.setattr(files, "MAX_FILES", 2)
    version = make_version(make_model())
    owner = version.model.owner
    for seed in (1, 2):
        files.add_file(actor=owner, version=version, blob=store_lora(seed=seed))
    with pytest.raises(Conflict):
        files.add_file(actor=owner, version=version, blob=store_lora(seed=3))


def test_a_path_sent_as_a_name_is_cut_to_its_last_part():
    version = make_version(make_model())
    file = files.add_file(
        actor=version.model.owner,
        version=version,
        blob=store_lora(),
        name="..\\..\\etc/pass<wd>.safetensors",
    )
    assert file.name == "pass_wd_.safetensors"


def test_files_are_judged_again_by_the_rules_of_now():
    """A verdict of before counts until there is a new one, and the command names what changed."""
    good = add_clean_file(make_version(make_model()))
    liar = add_clean_file(make_version(make_model(name="Liar")), seed=4)
    waiting = make_version(make_model(name="Waiting"))
    files.add_file(actor=waiting.model.owner, version=waiting, blob=store_lora(seed=5), name="w")
    ModelFile.objects.filter(pk=liar.pk).update(
        blob=store_bytes(pickle.dumps(Bomb()), content_type="application/octet-stream")
    )
    liar.hashes.all().delete()
    out = StringIO()
    call_command("rescan_files", stdout=out)
    told = out.getvalue().splitlines()
    assert told[0].startswith(f"{liar.pk} {liar.name}: Success -> Danger: ")
    assert told[1:] == ["2 files looked at, 1 verdicts changed."]
    good.refresh_from_db()
    assert (good.stage, good.scan_status) == (FileStage.READY, ScanStatus.SUCCESS)
    for options, count in (
        (["--before", "2020-01-01"], 0),
        (["--before", "2099-01-01"], 2),
        (["--format", "SafeTensor"], 1),
    ):
        out = StringIO()
        call_command("rescan_files", *options, stdout=out)
        assert out.getvalue() == f"{count} files looked at, 0 verdicts changed.\n"


def test_the_facts_of_lists_follow_the_scan():
    version = make_version(make_model())
    add_clean_file(version)
    version.model.refresh_from_db()
    assert version.model.is_verified is True
    files.rescan_file(actor=version.model.owner, file=version.files.get())
    version.model.refresh_from_db()
    assert version.model.is_verified is False
    assert ModelVersion.objects.filter(pk=version.pk).exists()
