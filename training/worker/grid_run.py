"""One preview grid from claim to end, drawn in a process of its own."""

from __future__ import annotations

import json
import logging
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from hub.storage.blobs import ensure_local
from training.engine.config import TrainConfig
from training.engine.errors import ConfigError
from training.jobs.models.artifact import JobArtifact
from training.jobs.models.grid import GridCell, PreviewGrid
from training.jobs.models.worker_node import WorkerNode
from training.jobs.services import grids
from training.jobs.services.grids import CellKey
from training.jobs.services.lifecycle import Failure
from training.jobs.services.transitions import LeaseLost
from training.worker.failures import PermanentFailureError
from training.worker.staging import stage_base
from training.worker.trainer_process import KEPT, die_with_parent, trainer_environment
from training.worker.work_folder import WorkFolder

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
BEAT_SECONDS = 2.0
END_SECONDS = 20.0
LAST_LINE_BYTES = 4096


def run_next_grid(*, worker: WorkerNode, stopping: threading.Event) -> PreviewGrid | None:
    """Claim the next grid and draw it; the grid as it then is, None without one."""
    grid = grids.claim_next_grid(worker=worker)
    if grid is None:
        return None
    logger.info("grid %s: attempt %s begins", grid.pk, grid.attempt)
    KEPT.end()  # two base models may not fit into the memory of the device
    try:
        GridRun(grid, stopping=stopping).execute()
    except LeaseLost:
        logger.info("grid %s: not wanted any more, or another worker has it", grid.pk)
    finally:
        WorkFolder.of(grid.pk).remove()
    return PreviewGrid.objects.filter(pk=grid.pk).first() or grid


@dataclass(frozen=True)
class Batch:
    """One CFG and seed: all prompts under the base and every checkpoint and weight."""

    guidance: float
    seed: int


class GridRun:
    """One attempt of one grid; a write of an attempt that lost the grid raises LeaseLost."""

    def __init__(self, grid: PreviewGrid, *, stopping: threading.Event) -> None:
        self.grid = grid
        self.stopping = stopping
        self.fence: dict[str, Any] = {"grid_id": grid.pk, "attempt": grid.attempt}
        self.folder = WorkFolder.of(grid.pk)
        self.checkpoints = list(
            grid.checkpoints.select_related("blob").order_by("step", "is_final", "id")
        )
        self.batches = list(self._missing())
        self.beaten_at = time.monotonic()
        self.code = 0
        self.reader = threading.Thread()

    def execute(self) -> None:
        """Draw what is missing; every way out leaves the grid in the state that fits."""
        try:
            if self.batches:
                self._draw(self._stage())
        except PermanentFailureError as error:
            grids.fail_grid(**self.fence, failure=error.failure)
        except OSError as error:
            failure = Failure("staging_failed", f"Files could not be brought here: {error}")
            grids.give_back_grid(**self.fence, failure=failure)
        else:
            if self.stopping.is_set() and list(self._missing()):
                grids.give_back_grid(**self.fence)
            elif list(self._missing()):
                failure = Failure("trainer_crashed", self._last_words(), {"exit_code": self.code})
                grids.give_back_grid(**self.fence, failure=failure)
            else:
                grids.finish_grid(**self.fence)

    def _draw(self, plan: Path) -> None:
        with self.folder.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  our own program, no shell
                [sys.executable, "-m", "training.worker.grid_program", str(plan)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=trainer_environment(project=Path(settings.PROJECT_DIR)),
                start_new_session=True,
                preexec_fn=die_with_parent(),  # noqa: PLW1509  only async-signal-safe calls
            )
        try:
            for told in self._lines(process):
                self._take(told)
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
            grids.renew_grid_lease(**self.fence)
            self.beaten_at = time.monotonic()

    def _take(self, told: dict[str, Any]) -> None:
        if "failed" in told:
            raise PermanentFailureError(told["failed"], told["message"])
        batch = self.batches[told["batch"]]
        checkpoint, weight = self._columns()[told["column"]]
        key = CellKey(
            prompt_index=told["row"],
            checkpoint_id=checkpoint.pk if checkpoint else None,
            weight=weight,
            guidance=batch.guidance,
            seed=batch.seed,
        )
        grids.record_cell(**self.fence, key=key, path=Path(told["path"]))

    def _columns(self) -> list[tuple[JobArtifact | None, float | None]]:
        """Base alone, then checkpoints times weights, as the engine counts them."""
        made = [(row, weight) for row in self.checkpoints for weight in self.grid.weights]
        return [(None, None), *made]

    def _missing(self) -> Iterator[Batch]:
        """Batches that lack a cell; an earlier attempt may have drawn the others."""
        cells = len(self.grid.prompts) * len(self._columns())
        for guidance in self.grid.guidances:
            for seed in self.grid.seeds:
                made = GridCell.objects.filter(grid=self.grid, guidance=guidance, seed=seed)
                if made.count() < cells:
                    yield Batch(guidance, seed)

    def _stage(self) -> Path:
        """Files, settings and the plan, on this machine."""
        if not self.checkpoints:
            raise PermanentFailureError("checkpoint_missing", "The checkpoints are gone.")
        job, root = self.grid.job, self.folder.root
        base = stage_base(job, self.folder)
        kept = root / "files"
        files = [ensure_local(row.blob, kept, name=_name(row)) for row in self.checkpoints]
        try:
            config = TrainConfig.parse(job.config)
        except ConfigError as error:
            raise PermanentFailureError(error.code, str(error)) from error
        where = config.base_model.model_copy(update={"path": str(base)})
        staged = config.model_copy(update={"base_model": where})
        self.folder.config.write_text(staged.to_toml(), encoding="utf-8")
        plan = {
            "config": str(self.folder.config),
            "folder": str(root / "cells"),
            "prompts": self.grid.prompts,
            "files": [str(path) for path in files],
            "weights": self.grid.weights,
            "batches": [{"guidance": batch.guidance, "seed": batch.seed} for batch in self.batches],
        }
        path = root / "plan.json"
        path.write_text(json.dumps(plan), encoding="utf-8")
        return path

    def _last_words(self) -> str:
        text = self.folder.log.read_bytes()[-LAST_LINE_BYTES:].decode("utf-8", "replace")
        return next((line for line in reversed(text.splitlines()) if line.strip()), "none")


def _name(artifact: JobArtifact) -> str:
    """A name that tells steps apart: two checkpoints of one run may end in the same words."""
    return f"{artifact.step:08d}-{artifact.name.rpartition('/')[2]}"


def _read(process: subprocess.Popen[bytes], lines: queue.Queue[bytes]) -> None:
    if process.stdout is not None:
        for line in process.stdout:
            lines.put(line)
    lines.put(b"")
