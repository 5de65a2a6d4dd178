"""What people may say of a file, and what its bytes say for themselves."""

from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from hub.core.errors import Conflict, Invalid, NotAllowed
from hub.storage.blobs import store_bytes
from models_registry.models.file import FileStage, ModelFile, ScanStatus
from models_registry.services import files
from models_registry.services.file_facts import FileFacts, describe_file
from models_registry.version_lookup import version_meant
from tests.factories.accounts import UserFactory
from tests.factories.formats import safetensors_bytes, zip_bytes
from tests.factories.registry import make_model, make_version, publish_model

pytestmark = pytest.mark.django_db
UNET = "model.diffusion_model.input_blocks.0.0.weight"


def checkpoint(*, ema: bool = False, dtype: str = "F16", name: str = "a.safetensors") -> ModelFile:
    tensors = {UNET: (dtype, (4, 4)), UNET.replace("0.0", "1.0"): (dtype, (4, 4))}
    if ema:
        tensors["model_ema.diffusion_modelinput_blocks00weight"] = (dtype, (4, 4))
    return added(safetensors_bytes(tensors), name=name)


def added(data: bytes, *, name: str, kind: str = "Model") -> ModelFile:
    version = make_version(make_model(type="Checkpoint"))
    blob = store_bytes(data, content_type="application/octet-stream")
    file = files.add_file(
        actor=version.model.owner, version=version, blob=blob, name=name, kind=kind
    )
    files.process_file(file_id=file.pk)
    return ModelFile.objects.select_related("version__model").get(pk=file.pk)


def say(file: ModelFile, **changes: str) -> ModelFile:
    facts = replace(FileFacts.of(file), **changes)
    return describe_file(actor=file.version.model.owner, file=file, facts=facts)


@pytest.mark.parametrize(
    ("ema", "name", "size_kind", "mark"),
    [
        (True, "v1-5.safetensors", "full", "with"),
        (True, "v1-5-emaonly.safetensors", "full", "with"),
        (False, "v1-5-pruned-emaonly.safetensors", "pruned", "only"),
        (False, "v1-5_no_ema.safetensors", "pruned", "without"),
        (False, "cinema.safetensors", "pruned", ""),
    ],
)
def test_ema_weights_are_told_by_their_keys_and_else_by_the_name(ema, name, size_kind, mark):
    file = checkpoint(ema=ema, name=name)

    assert (file.size_kind, file.ema, file.precision) == (size_kind, mark, "fp16")


def test_what_the_bytes_say_cannot_be_said_otherwise():
    full, pruned = checkpoint(ema=True), checkpoint()
    denied = [
        (full, {"format": "PickleTensor"}, "format_told"),
        (full, {"precision": "fp32"}, "precision_told"),
        (full, {"precision": ""}, "precision_told"),
        (full, {"ema": "without"}, "ema_told"),
        (full, {"size_kind": "pruned"}, "ema_told"),
        (pruned, {"ema": "with"}, "ema_denied"),
    ]
    for file, changes, code in denied:
        with pytest.raises(Invalid) as caught:
            say(file, **changes)
        assert caught.value.error_code == code
    for changes in ({"kind": "Sandwich"}, {"precision": "fp3"}, {"ema": "maybe"}):
        with pytest.raises(Invalid):
            say(pruned, **changes)


def test_what_they_do_not_say_is_kept_through_another_scan():
    odd = checkpoint(dtype="U8")
    say(odd, precision="int8", ema="only")
    archive = added(zip_bytes({"unet/config.json": b"{}"}), name="d.zip", kind="Archive")
    say(archive, format="Diffusers")
    with pytest.raises(Invalid) as caught:
        say(archive, format="SafeTensor")
    assert caught.value.error_code == "format_denied"
    for file in (odd, archive):
        files.rescan_file(actor=file.version.model.owner, file=file)
        files.process_file(file_id=file.pk)
        file.refresh_from_db()
    assert (odd.precision, odd.ema, odd.format) == ("int8", "only", "SafeTensor")
    assert (archive.format, archive.scan_status) == ("Diffusers", ScanStatus.SUCCESS)


def test_another_kind_is_held_against_the_bytes_before_anyone_else_gets_the_file():
    archive = added(zip_bytes({"a.txt": b"words"}), name="d.zip", kind="Archive")
    assert archive.is_clean
    say(archive, kind="VAE")
    assert (archive.stage, archive.scan_status) == (FileStage.HASHED, ScanStatus.PENDING)
    with pytest.raises(Conflict):
        say(archive, kind="Archive")
    files.process_file(file_id=archive.pk)
    archive.refresh_from_db()
    assert archive.scan_status == ScanStatus.ERROR
    assert say(archive) == archive


def test_only_the_people_of_a_model_describe_its_files_on_the_page():
    file = checkpoint(dtype="U8")
    address = reverse("model_file_edit", args=[file.pk])
    owner, other = Client(), Client()
    owner.force_login(file.version.model.owner)
    other.force_login(UserFactory())
    assert other.get(address).status_code == 404
    with pytest.raises(NotAllowed):
        describe_file(actor=UserFactory(), file=file, facts=FileFacts.of(file))
    page = owner.get(address).content.decode()
    assert "SafeTensor" in page
    assert 'name="format"' not in page
    refused = owner.post(address, {"kind": "Model", "ema": "with"})
    assert refused.status_code == 422
    assert "no EMA weights beside" in refused.content.decode()
    sent = {"kind": "Model", "ema": "only", "size_kind": "pruned", "precision": "int8"}
    assert owner.post(address, sent).status_code == 302
    page = owner.get(reverse("model", args=[file.version.model.slug])).content.decode()
    assert "int8 · Pruned · EMA weights only" in page


def test_a_name_in_any_case_means_its_model():
    version = publish_model(name="Paper Base")
    publish_model(name="Paper Boat", seed=2)

    assert version_meant(UserFactory(), "pAPER bASE") == version
    assert version_meant(UserFactory(), "Paper") is None
