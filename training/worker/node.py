"""This machine as a training worker: what it has, its sign of life, and its right to its name."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from training.engine.version import ENGINE_VERSION
from training.jobs.models.worker_node import Device, WorkerNode
from training.jobs.services import lifecycle, schedule

logger = logging.getLogger(__name__)

SIGN_OF_LIFE_SECONDS = 20.0
PROBE_SECONDS = 120.0
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
GPU_SIGNS = (Path("/proc/driver/nvidia"), Path("/dev/kfd"))


@dataclass(frozen=True)
class Machine:
    """What a worker computes on."""

    device: str
    device_name: str
    memory_bytes: int


def look_at_machine() -> Machine:
    """The GPU if there is one, asked for in another process: torch never gets in here."""
    if any(path.exists() for path in GPU_SIGNS) or shutil.which("nvidia-smi"):
        found = _ask_torch()
        if found is not None:
            return found
    return Machine(Device.CPU, f"{os.cpu_count()} CPU", _main_memory())


def _ask_torch() -> Machine | None:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "training.worker.device_probe"],
            capture_output=True,
            check=True,
            timeout=PROBE_SECONDS,
            cwd=settings.PROJECT_DIR,
        )
        data = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        logger.warning("The GPU could not be looked at, training runs on the CPU: %s", error)
        return None
    return Machine(**data) if data else None


def _main_memory() -> int:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        limit = CGROUP_LIMIT.read_text().strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdigit() else total


def worker_name(celery_name: str = "") -> str:
    """Unique on this machine and for this GPU; the same after a restart."""
    gpu = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    base = celery_name or f"gpu@{socket.gethostname()}"
    return f"{base}:{gpu}" if gpu else base


def register(name: str) -> WorkerNode:
    """Write this worker's row."""
    machine = look_at_machine()
    return schedule.register_worker(
        name=name,
        device=machine.device,
        device_name=machine.device_name,
        memory_bytes=machine.memory_bytes,
        engine_version=ENGINE_VERSION,
    )


class NameLock:
    """Held as long as this process lives: proof that no other process works under the name."""

    def __init__(self, name: str) -> None:
        folder = Path(settings.ATELIER_HOME).absolute() / "work"
        folder.mkdir(parents=True, exist_ok=True)
        safe = "".join(sign if sign.isalnum() else "-" for sign in name)
        self._descriptor = os.open(folder / f"worker-{safe}.lock", os.O_RDWR | os.O_CREAT, 0o644)

    def take(self) -> bool:
        """Whether the name is ours now."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Give the name up."""
        os.close(self._descriptor)


def take_back_own_jobs(worker: WorkerNode) -> int:
    """Requeue what a dead process of this name holds, without waiting for its lease to end."""
    return len(lifecycle.requeue_jobs_of(worker))


class Presence(threading.Thread):
    """The sign of life of an idle worker; a database that is away is tried again."""

    def __init__(self, worker: WorkerNode) -> None:
        super().__init__(name="presence", daemon=True)
        self._worker = worker
        self._done = threading.Event()

    def run(self) -> None:
        """Beat until stopped."""
        while not self._done.wait(SIGN_OF_LIFE_SECONDS):
            try:
                close_old_connections()
                schedule.note_alive(self._worker)
            except DatabaseError as error:
                logger.warning("No sign of life could be written: %s", error)
            finally:
                connection.close()

    def stop(self) -> None:
        """End the thread."""
        self._done.set()
