"""The stages of a file, one by one, and the virus scanner in between."""

import base64
import socket
import struct
import threading

import pytest

from hub.storage.blobs import store_bytes
from models_registry.models.file import FileStage, ScanStatus
from models_registry.models.terms import LicenceName
from models_registry.scanning.inspection import scan_content
from models_registry.services import files, ingest
from models_registry.services.drafts import create_version
from tests.factories.formats import png_bytes, zip_bytes
from tests.factories.registry import lora_bytes, make_model, make_version

OCTETS = "application/octet-stream"


def add(data: bytes, *, version=None, name: str = "a.safetensors", kind: str = "Model"):
    version = version or make_version(make_model())
    blob = store_bytes(data, content_type=OCTETS)
    return files.add_file(
        actor=version.model.owner, version=version, blob=blob, name=name, kind=kind
    )


class Clamd:
    """A daemon that speaks INSTREAM, as ClamAV's does, and answers what it is told."""

    def __init__(self, answer: bytes, *, limit: int | None = None):
        self.answer, self.limit, self.received = answer, limit, b""
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp://127.0.0.1:{self.server.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        link, _address = self.server.accept()
        with link, link.makefile("rb") as reader:
            assert reader.read(10) == b"zINSTREAM\0"
            while length := struct.unpack("!L", reader.read(4))[0]:
                self.received += reader.read(length)
                if self.limit is not None and len(self.received) > self.limit:
                    break
            link.sendall(self.answer)

    def close(self):
        self.thread.join(10)
        self.server.close()


@pytest.fixture
def clamd(settings):
    made = []

    def start(answer: bytes, **options) -> Clamd:
        made.append(Clamd(answer, **options))
        settings.CLAMAV_URL = made[-1].url
        return made[-1]

    yield start
    for daemon in made:
        daemon.close()


def scan(tmp_path, data: bytes, name: str, kind: str = "Model"):
    path = tmp_path / "blob"
    path.write_bytes(data)
    return scan_content(path, kind=kind, name=name).outcome


def test_the_virus_scanner_gets_every_byte_and_clears_nothing_by_itself(clamd, tmp_path):
    daemon = clamd(b"stream: OK\0")
    outcome = scan(tmp_path, lora_bytes(), "a.safetensors")
    assert outcome.status == ScanStatus.SUCCESS
    assert outcome.report["virus"] == {"status": "Success", "message": ""}
    assert daemon.received == lora_bytes()
    clamd(b"stream: OK\0")
    assert scan(tmp_path, b"no model", "a.safetensors").status == ScanStatus.ERROR


def test_what_the_virus_scanner_names_is_dangerous(clamd, tmp_path):
    clamd(b"stream: Eicar-Test-Signature FOUND\0")
    outcome = scan(tmp_path, lora_bytes(), "a.safetensors")
    assert outcome.status == ScanStatus.DANGER
    assert "Eicar-Test-Signature" in outcome.sentence


def test_a_file_beyond_the_virus_scanners_limit_is_cleared_only_as_safetensors(
    clamd, tmp_path, settings
):
    said = b"INSTREAM size limit exceeded. ERROR\0"
    clamd(said, limit=10)
    archive = zip_bytes({"a.txt": b"a cat"})
    outcome = scan(tmp_path, archive, "d.zip", "Training Data")
    assert outcome.status == ScanStatus.ERROR
    assert "size limit" in outcome.sentence
    clamd(said, limit=10)
    outcome = scan(tmp_path, lora_bytes(), "a.safetensors")
    assert outcome.status == ScanStatus.SUCCESS
    assert outcome.report["virus"]["status"] == "Error"
    settings.CLAMAV_MAX_BYTES = len(archive) - 1  # not even asked
    assert scan(tmp_path, archive, "d.zip", "Training Data").status == ScanStatus.ERROR


@pytest.mark.django_db
def test_while_the_virus_scanner_is_away_a_file_waits(clamd, settings):
    with socket.create_server(("127.0.0.1", 0)) as free:
        settings.CLAMAV_URL = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    file = files.process_file(file_id=add(lora_bytes()).pk)
    assert (file.stage, file.scan_status) == (FileStage.HASHED, ScanStatus.PENDING)
    assert "virus scanner" in file.scan_message
    clamd(b"stream: OK\0")
    file = files.process_file(file_id=file.pk)
    assert (file.stage, file.scan_status) == (FileStage.READY, ScanStatus.SUCCESS)


@pytest.mark.django_db
def test_a_killed_worker_costs_the_stage_it_was_in(monkeypatch):
    file = add(lora_bytes())

    def killed(*_arguments, **_named):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(ingest, "scan_content", killed)
        with pytest.raises(SystemExit):
            files.process_file(file_id=file.pk)
    file.refresh_from_db()
    assert (file.stage, file.hashes.count()) == (FileStage.HASHED, 5)
    with monkeypatch.context() as patch:
        patch.setattr(ingest, "hash_content", killed)  # done: not called again
        patch.setattr(ingest, "read_header", killed)
        with pytest.raises(SystemExit):
            files.process_file(file_id=file.pk)
    file.refresh_from_db()
    assert (file.stage, file.is_clean, file.header) == (FileStage.SCANNED, True, None)
    file = files.process_file(file_id=file.pk)
    assert (file.stage, file.header["ss_network_dim"]) == (FileStage.READY, "4")


@pytest.mark.django_db
def test_the_header_fills_licence_tags_and_cover_of_a_draft():
    picture = base64.b64encode(png_bytes(size=(8, 8))).decode()
    stated = {
        "modelspec.license": "CreativeML OpenRAIL-M",
        "modelspec.tags": "ink, wash",
        "modelspec.description": "Soft ink.",
        "modelspec.thumbnail": f"data:image/png;base64,{picture}",
    }
    model = make_model()
    version = create_version(actor=model.owner, model=model)
    files.process_file(file_id=add(lora_bytes(metadata=stated), version=version).pk)
    model.refresh_from_db()
    version.refresh_from_db()
    assert model.licence == LicenceName.OPENRAIL_M
    assert model.tag_names == ["ink", "wash"]
    assert version.description == "Soft ink."
    assert (version.covers.get().width, version.covers.get().blob.content_type) == (8, "image/png")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "thumbnail", ["data:image/png;base64,AAAA", "data:text/html;base64,AAAA", "http://x/y.png", ""]
)
def test_a_thumbnail_that_is_no_picture_is_left_out(thumbnail):
    model = make_model()
    version = create_version(actor=model.owner, model=model)
    data = lora_bytes(metadata={"modelspec.thumbnail": thumbnail})
    file = files.process_file(file_id=add(data, version=version).pk)
    assert (file.stage, file.is_clean) == (FileStage.READY, True)
    assert not version.covers.exists()


@pytest.mark.django_db
def test_a_header_with_texts_that_no_database_takes_is_read_like_any_other():
    odd = "in\x00k \\ud83d"  # in JSON within a text, half of a pair is just an escape
    metadata = {
        "modelspec.trigger_phrase": f"a{odd}, " + "w" * 9000,
        "modelspec.description": odd,
        "modelspec.tags": f"{odd}, b",
        "ss_tag_frequency": '{"1_a": {"in\\u0000k": 5, "half\\ud83d": 5}}',
        "ss_dataset_dirs": '{"1_a": {"n_repeats": 1, "img_count": 5}}',
    }
    for left_out in ("", "modelspec.trigger_phrase"):
        version = make_version(make_model(), trigger_words=())
        said = {key: value for key, value in metadata.items() if key != left_out}
        file = add(lora_bytes(metadata=said), version=version)
        files.process_file(file_id=file.pk)
        file.refresh_from_db()
        assert (file.stage, file.scan_status) == (FileStage.READY, ScanStatus.SUCCESS)
        version.refresh_from_db()
        words = version.trained_words
        assert words[0] == ("ink" if left_out else "aink \\ud83d")
        assert all("\x00" not in word for word in [*words, version.description])
