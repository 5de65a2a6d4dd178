"""`make bench-files`: how fast files come in and go out, and what they cost the web process.

Prints one JSON line for each measurement: `ours` and `peer` in seconds (or MiB), their `ratio`, and
what it `must` not exceed. Everything runs on this machine, over loopback, against the whole ASGI
application with uvicorn in a process of its own. Peers are measured in turn with ours, and the best
of each counts: another program's noise is nobody's speed.
"""

import argparse
import base64
import hashlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from blake3 import blake3

from hub.formats.file_hashing import hash_file

MIB = 1 << 20
PIECE = MIB
BLOCK_BYTES = 8 * MIB
START_SECONDS = 60
MEMORY_MIB = 64.0


@dataclass(frozen=True)
class Result:
    """One measurement."""

    name: str
    ours: float
    peer: float
    ratio: float
    must: float

    @property
    def holds(self) -> bool:
        """Whether the goal is met."""
        return self.ratio <= self.must

    def as_json(self) -> str:
        """Return one line."""
        return json.dumps({**asdict(self), "holds": self.holds})


def main() -> int:
    """Measure everything; returns 1 where a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.files")
    parser.add_argument("--mib", type=int, default=2048, help="size of the file, in MiB")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is repeated")
    parser.add_argument("--folder", type=Path, help="where the files lie; a new one by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        source = make_model(folder / "model.safetensors", options.mib * MIB)
        failed = False
        for result in measured(source, folder, options.rounds):
            sys.stdout.write(result.as_json() + "\n")
            sys.stdout.flush()
            failed |= not result.holds
    return int(failed)


def measured(source: Path, folder: Path, rounds: int) -> Iterator[Result]:
    """Every measurement in turn."""
    yield hashing(source, rounds)
    with hub(folder) as running:
        running.send(make_model(folder / "small.safetensors", 16 * MIB, seed=1))
        before = running.peak_mib()
        yield uploading(running, source, folder, rounds)
        yield memory("memory of the web process after uploads (MiB)", running, before)
        yield downloading(running, source, folder, rounds)
        yield memory("memory of the web process after downloads (MiB)", running, before)


def make_model(path: Path, size: int, *, seed: int = 0) -> Path:
    """A valid safetensors file of `size` bytes, its weights pseudo-random."""
    block = hashlib.shake_128(seed.to_bytes(8, "little")).digest(BLOCK_BYTES)
    header = {"w": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}}
    room = size - 8 - 4096
    header["w"].update(shape=[room], data_offsets=[0, room])
    raw = json.dumps(header).encode().ljust(4096)
    with path.open("wb") as file:
        file.write(len(raw).to_bytes(8, "little") + raw)
        left, count = room, 0
        while left:
            file.write(count.to_bytes(8, "little")[:left])
            left -= min(8, left)
            file.write(block[: min(left, BLOCK_BYTES)])
            left -= min(left, BLOCK_BYTES)
            count += 1
    return path


def hashing(source: Path, rounds: int) -> Result:
    """Seven hashes in one pass, and the slowest of them alone."""
    alone: dict[str, float] = {}
    ours = float("inf")
    for _ in range(rounds):
        for name, update in (
            ("SHA256", hashlib.sha256().update),
            ("BLAKE3", blake3().update),
            ("CRC32", Crc32().update),
        ):
            alone[name] = min(alone.get(name, ours), timed(lambda u=update: read_into(source, u)))
        ours = min(ours, timed(lambda: hash_file(source)))
    return compared("seven hashes in one pass", ours, max(alone.values()), must=1.3)


def uploading(running: "Hub", source: Path, folder: Path, rounds: int) -> Result:
    """A tus upload until the blob is stored, and a plain copy plus SHA-256 of it."""
    ours = peer = float("inf")
    for number in range(rounds):
        # Every round has bytes of its own: what is stored already is not stored again.
        changed = make_model(folder / "sent.safetensors", source.stat().st_size, seed=number + 2)
        os.sync()
        peer = min(peer, timed(lambda c=changed: copy_and_hash(c, folder / "copy")))
        (folder / "copy").unlink()
        os.sync()
        ours = min(ours, timed(lambda c=changed: running.send(c)))
        changed.unlink()
        running.empty_store()
    return compared("upload with hashing", ours, peer, must=1.5)


def downloading(running: "Hub", source: Path, folder: Path, rounds: int) -> Result:
    """A download to a file, and a plain copy."""
    address = running.publish(source)
    ours = peer = float("inf")
    for _ in range(rounds):
        os.sync()
        peer = min(peer, timed(lambda: copy_and_hash(source, folder / "copy")))
        os.sync()
        ours = min(ours, timed(lambda: running.fetch(address, folder / "copy")))
    (folder / "copy").unlink()
    return compared("download to a file and SHA-256", ours, peer, must=2.0)


def memory(name: str, running: "Hub", before: float) -> Result:
    """Peak memory now, and after a file of 16 MiB: it must not grow with the size."""
    now = running.peak_mib()
    return Result(
        name,
        round(now, 1),
        round(before, 1),
        round(now / before, 2),
        round((before + MEMORY_MIB) / before, 2),
    )


def compared(name: str, ours: float, peer: float, *, must: float) -> Result:
    """Round for people; the ratio is of the exact figures."""
    return Result(name, round(ours, 2), round(peer, 2), round(ours / peer, 2), must)


def timed(action: Callable[[], object]) -> float:
    """Seconds that an action takes."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def read_into(source: Path, update: Callable[[bytes], object]) -> None:
    """Read a file in pieces of 1 MiB."""
    with source.open("rb", buffering=0) as file:
        while piece := file.read(PIECE):
            update(piece)


def copy_and_hash(source: Path, target: Path) -> None:
    """What a person would do by hand: copy, flush to the disk, SHA-256 of the copy."""
    shutil.copyfile(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())
        hashlib.file_digest(file, "sha256")


class Crc32:
    """zlib's CRC-32 with the face of a digest."""

    def __init__(self) -> None:
        self.value = 0

    def update(self, piece: bytes) -> None:
        """Take the next bytes."""
        self.value = zlib.crc32(piece, self.value)


class Hub:
    """The running application and a person on it."""

    def __init__(self, port: int, process: "subprocess.Popen[bytes]", key: str, home: Path) -> None:
        self.port, self.process, self.key, self.home = port, process, key, home

    def peak_mib(self) -> float:
        """Most memory that the web process ever had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024

    def send(self, path: Path) -> str:
        """Upload a file by tus in one stream; returns the id of the finished upload."""
        size = path.stat().st_size
        pairs = {"filename": path.name, "purpose": "model_file"}
        encoded = (f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in pairs.items())
        made = self._ask(
            "POST",
            "/api/v2/uploads/",
            {
                "Upload-Length": str(size),
                "Upload-Metadata": ",".join(encoded),
            },
        )
        place = urlsplit(made.headers["Location"]).path
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        link.putrequest("PATCH", place)
        for name, value in self._headers(
            {
                "Upload-Offset": "0",
                "Content-Type": "application/offset+octet-stream",
                "Content-Length": str(size),
            }
        ).items():
            link.putheader(name, value)
        link.endheaders()
        with path.open("rb") as file:
            link.sock.sendfile(file)
        answer = link.getresponse()
        assert answer.status == 204, answer.read()
        link.close()
        return place.rstrip("/").rpartition("/")[2]

    def publish(self, path: Path) -> str:
        """Store a file and return a signed address of it; the scan runs here, not in the web."""
        from hub.storage.models import Upload
        from models_registry.models.version import ModelVersion
        from models_registry.services.download import download_token
        from models_registry.services.files import add_file, process_file

        upload = Upload.objects.get(pk=self.send(path))
        version = ModelVersion.objects.select_related("model__owner").get()
        file = add_file(actor=version.model.owner, version=version, upload_id=upload.pk)
        process_file(file_id=file.pk)
        token = download_token(file, viewer=version.model.owner)
        return f"/api/download/signed/{token}/model.safetensors"

    def fetch(self, address: str, target: Path) -> None:
        """Download to a file and hash it, as a client does."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        link.request("GET", address)
        answer = link.getresponse()
        assert answer.status == 200, answer.read()
        digest = hashlib.sha256()
        with target.open("wb") as file:
            while piece := answer.read(PIECE):
                file.write(piece)
                digest.update(piece)
            file.flush()
            os.fsync(file.fileno())
        link.close()

    def empty_store(self) -> None:
        """Make room on the disk, and have the next upload stored like the first."""
        from hub.storage.models import Blob, Upload

        Upload.objects.all().delete()
        Blob.objects.all().delete()
        shutil.rmtree(self.home / "storage", ignore_errors=True)

    def _ask(self, method: str, path: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        link.request(method, path, headers=self._headers(headers))
        answer = link.getresponse()
        answer.read()
        assert answer.status < 300, answer.status
        return answer

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {self.key}", **more}


@contextmanager
def hub(folder: Path) -> Iterator[Hub]:
    """PostgreSQL, Valkey, and uvicorn with the whole application in a process of its own."""
    from hub.embedded.testing import ensure_services, stop_services

    home = folder / "home"
    home.mkdir()
    os.environ |= {
        "ATELIER_HOME": str(home),
        "ATELIER_ENV": "development",
        "DJANGO_SETTINGS_MODULE": "hub.settings",
    }
    ensure_services()
    try:
        key = prepared()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "uvicorn", "hub.asgi:application", "--port", str(port)]
        process = subprocess.Popen([*command, "--log-level", "warning"])
        try:
            wait_for(port)
            yield Hub(port, process, key, home)
        finally:
            process.terminate()
            process.wait(START_SECONDS)
    finally:
        stop_services()


def prepared() -> str:
    """An empty hub with one person, who has a key, and a draft of theirs."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from hub.accounts.models import Scope, User
    from hub.accounts.services import create_api_token
    from models_registry.services.drafts import create_model, create_version

    person = User.objects.create_user("bench")
    model = create_model(actor=person, name="Bench", type="Checkpoint")
    create_version(actor=person, model=model)
    return create_api_token(actor=person, name="bench", scopes=[Scope.MODELS_WRITE])[1]


def wait_for(port: int) -> None:
    """Until the application answers."""
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            link.request("OPTIONS", "/api/v2/uploads/")
            link.getresponse().read()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
        else:
            return


if __name__ == "__main__":
    raise SystemExit(main())
