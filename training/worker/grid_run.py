"""One preview grid from claim to end, drawn in a process of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hub.storage.blobs import ensure_local
from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.jobs.models.artifact import JobArtifact
from training.jobs.models.grid import GridCell, PreviewGrid
from training.jobs.models.worker_node import WorkerNode
from training.jobs.services import grids
from training.jobs.services.grids import CellKey
from training.jobs.services.prompt_files import Wisher
from training.worker.draw_run import DrawRun
from training.worker.failures import PermanentFailureError
from training.worker.prompt_files import LIBRARY, stage_every_prompt_file
from training.worker.staging import stage_base, wisher_of


def run_next_grid(*, worker: WorkerNode, stopping: threading.Event) -> PreviewGrid | None:
    """Claim the next grid and draw it; the grid as it then is, None without one."""
    return GridRun.run_claimed(grids.claim_next_grid(worker=worker), stopping=stopping)


@dataclass(frozen=True)
class Batch:
    """One CFG and seed: all prompts under the base and every checkpoint and weight."""

    guidance: float
    seed: int


class GridRun(DrawRun[PreviewGrid]):
    """One attempt of one grid."""

    line = grids.GRIDS
    program = "training.worker.grid_program"

    def __init__(self, grid: PreviewGrid, *, stopping: threading.Event) -> None:
        super().__init__(grid, stopping=stopping)
        self.checkpoints = list(
            grid.checkpoints.select_related("blob").order_by("step", "is_final", "id")
        )
        self.batches = list(self._missing())

    def is_complete(self) -> bool:
        """Whether no batch lacks a cell."""
        return next(self._missing(), None) is None

    def take(self, told: dict[str, Any]) -> None:
        """Keep the picture of one cell."""
        batch = self.batches[told["batch"]]
        checkpoint, weight = self._columns()[told["column"]]
        key = CellKey(
            prompt_index=told["row"],
            checkpoint_id=checkpoint.pk if checkpoint else None,
            weight=weight,
            guidance=batch.guidance,
            seed=batch.seed,
        )
        grids.record_cell(
            grid_id=self.work.pk, attempt=self.work.attempt, key=key, path=Path(told["path"])
        )

    def stage(self) -> Path:
        """Files, settings and the plan, on this machine."""
        if not self.checkpoints:
            raise PermanentFailureError("checkpoint_missing", "The checkpoints are gone.")
        job, root = self.work.job, self.folder.root
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
        named = stage_every_prompt_file(self.work.prompts, self._wisher(), root)
        batches = [{"guidance": batch.guidance, "seed": batch.seed} for batch in self.batches]
        return self.write_plan(
            {
                "config": str(self.folder.config),
                "folder": str(root / "cells"),
                "prompts": self.work.prompts,
                "library": [str(root / LIBRARY)] if named.files else [],
                "files": [str(path) for path in files],
                "weights": self.work.weights,
                "batches": batches,
            }
        )

    def _wisher(self) -> Wisher:
        """Whose files the prompts may name: those of the person who asked for the grid."""
        return replace(wisher_of(self.work.job), person=self.work.requested_by)

    def _columns(self) -> list[tuple[JobArtifact | None, float | None]]:
        """Base alone, then checkpoints times weights, as the engine counts them."""
        made = [(row, weight) for row in self.checkpoints for weight in self.work.weights]
        return [(None, None), *made]

    def _missing(self) -> Iterator[Batch]:
        """Batches that lack a cell; an earlier attempt may have drawn the others."""
        cells = len(self.work.prompts) * len(self._columns())
        for guidance in self.work.guidances:
            for seed in self.work.seeds:
                made = GridCell.objects.filter(grid=self.work, guidance=guidance, seed=seed)
                if made.count() < cells:
                    yield Batch(guidance, seed)


def _name(artifact: JobArtifact) -> str:
    """A name that tells steps apart: two checkpoints of one run may end in the same words."""
    return f"{artifact.step:08d}-{artifact.name.rpartition('/')[2]}"
