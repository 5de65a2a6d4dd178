"""One piece of drawn work from claim to end, drawn in a process of its own."""

from __future__ import annotations

import json
import logging
import queue
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic

from django.conf import settings

from training.jobs.services.drawing_line import DrawingLine, Work
from training.jobs.services.lifecycle import Failure
from training.jobs.services.transitions import LeaseLost
from training.worker.failures import PermanentFailureError
from training.worker.trainer_process import KEPT, die_with_parent, trainer_environment
from training.worker.work_folder import WorkFolder

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
BEAT_SECONDS = 2.0
END_SECONDS = 20.0
LAST_LINE_BYTES = 4096


class DrawRun(ABC, Generic[Work]):
    """One attempt; a write of an attempt that lost its work raises LeaseLost.

    `program` is the module that draws: it takes the path of a JSON plan and tells of each picture
    in one JSON line on standard output.
    """

    line: DrawingLine[Work]
    program: str

    def __init__(self, work: Work, *, stopping: threading.Event) -> None:
        self.work = work
        self.stopping = stopping
        self.folder = WorkFolder.of(work.pk)
        self.beaten_at = time.monotonic()
        self.code = 0
        self.reader = threading.Thread()

    @classmethod
    def run_claimed(cls, work: Work | None, *, stopping: threading.Event) -> Work | None:
        """Draw work that this worker has claimed; the work as it then is, None where none is."""
        if work is None:
            return None
        name = f"{work._meta.verbose_name} {work.pk}"
        logger.info("%s: attempt %s begins", name, work.attempt)
        try:
            cls(work, stopping=stopping).execute()
        except LeaseLost:
            logger.info("%s: not wanted any more, or another worker has it", name)
        finally:
            WorkFolder.of(work.pk).remove()
        return type(work)._default_manager.filter(pk=work.pk).first() or work

    @abstractmethod
    def is_complete(self) -> bool:
        """Whether every picture is there."""

    @abstractmethod
    def stage(self) -> Path:
        """Bring files and plan to this machine; the path of the plan."""

    @abstractmethod
    def take(self, told: dict[str, Any]) -> None:
        """Keep one picture that the program told of."""

    def execute(self) -> None:
        """Draw what is missing; every way out leaves the work in the state that fits."""
        pk, attempt = self.work.pk, self.work.attempt
        try:
            if not self.is_complete() and not self.stopping.is_set():
                self._draw(self.stage())
        except PermanentFailureError as error:
            self.line.fail(pk, attempt, error.failure)
        except OSError as error:
            failure = Failure("staging_failed", f"Files could not be brought here: {error}")
            self.line.give_back(pk, attempt, failure)
        else:
            if self.is_complete():
                self.line.finish(pk, attempt)
            elif self.stopping.is_set():
                self.line.give_back(pk, attempt)
            else:
                failure = Failure("trainer_crashed", self._last_words(), {"exit_code": self.code})
                self.line.give_back(pk, attempt, failure)

    def write_plan(self, plan: dict[str, Any]) -> Path:
        """The plan as the program reads it."""
        path = self.folder.root / "plan.json"
        path.write_text(json.dumps(plan), encoding="utf-8")
        return path

    def _draw(self, plan: Path) -> None:
        KEPT.end()  # two base models may not fit into the memory of the device
        with self.folder.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  our own program, no shell
                [sys.executable, "-m", self.program, str(plan)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=trainer_environment(project=Path(settings.PROJECT_DIR)),
                start_new_session=True,
                preexec_fn=die_with_parent(),  # noqa: PLW1509  only async-signal-safe calls
            )
        try:
            for told in self._lines(process):
                if "failed" in told:
                    raise PermanentFailureError(told["failed"], told["message"])
                self.take(told)
            self.code = process.wait(timeout=END_SECONDS)
        finally:
            process.kill()
            process.wait()
            if self.reader.is_alive():
                self.reader.join()
            if process.stdout is not None:
                process.stdout.close()

    def _lines(self, process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
        """What the program tells, with a sign of life between; ends when the worker leaves."""
        lines: queue.Queue[bytes] = queue.Queue()
        self.reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
        self.reader.start()
        while not self.stopping.is_set():
            self._beat()
            try:
                line = lines.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
            if not line:
                return
            yield json.loads(line)

    def _beat(self) -> None:
        if time.monotonic() - self.beaten_at >= BEAT_SECONDS:
            self.line.renew(self.work.pk, self.work.attempt)
            self.beaten_at = time.monotonic()

    def _last_words(self) -> str:
        text = self.folder.log.read_bytes()[-LAST_LINE_BYTES:].decode("utf-8", "replace")
        return next((line for line in reversed(text.splitlines()) if line.strip()), "none")


def _read(process: subprocess.Popen[bytes], lines: queue.Queue[bytes]) -> None:
    if process.stdout is not None:
        for line in process.stdout:
            lines.put(line)
    lines.put(b"")
