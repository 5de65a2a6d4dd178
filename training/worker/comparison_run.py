"""One comparison from claim to end, drawn in a process of its own."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from hub.core.errors import AtelierError
from hub.storage.blobs import ensure_local
from models_registry.models.version import ModelVersion
from models_registry.services.download import choose_file, download_name
from training.base_models.tiny.location import tiny_base_dir
from training.jobs.comparison_queries import columns_to_draw
from training.jobs.models.comparison import Comparison, ComparisonColumn
from training.jobs.models.worker_node import WorkerNode
from training.jobs.services import comparisons
from training.jobs.services.comparison_wish import family_of
from training.jobs.services.prompt_files import Wisher
from training.worker.draw_run import DrawRun
from training.worker.failures import PermanentFailureError
from training.worker.prompt_files import LIBRARY, stage_every_prompt_file
from training.worker.staging import is_bundled_base


def run_next_comparison(*, worker: WorkerNode, stopping: threading.Event) -> Comparison | None:
    """Claim the next comparison and draw it; the comparison as it then is, None without one."""
    return ComparisonRun.run_claimed(
        comparisons.claim_next_comparison(worker=worker), stopping=stopping
    )


class ComparisonRun(DrawRun[Comparison]):
    """One attempt of one comparison."""

    line = comparisons.COMPARISONS
    program = "training.worker.comparison_program"

    def is_complete(self) -> bool:
        """Whether no column lacks a picture."""
        return not self._missing()

    def take(self, told: dict[str, Any]) -> None:
        """Keep one picture."""
        comparisons.record_comparison_cell(
            comparison_id=self.work.pk,
            attempt=self.work.attempt,
            column_id=told["column"],
            prompt_index=told["row"],
            seed=told["seed"],
            path=Path(told["path"]),
        )

    def stage(self) -> Path:
        """Files and the plan, on this machine. Raises PermanentFailureError when one is gone."""
        work = self.work
        wisher = Wisher(work.requested_by, None, family_of(work.version))
        named = stage_every_prompt_file(work.prompts, wisher, self.folder.root)
        names = ("negative", "steps", "guidance", "sampler", "width", "height", "clip_skip")
        return self.write_plan(
            {
                "folder": str(self.folder.root / "cells"),
                "library": [str(self.folder.root / LIBRARY)] if named.files else [],
                "settings": {name: getattr(work, name) for name in names},
                "columns": [self._column(row, cells) for row, cells in self._missing()],
            }
        )

    def _missing(self) -> list[tuple[ComparisonColumn, list[dict[str, Any]]]]:
        """Columns with the pictures that they lack; an earlier attempt may have drawn others."""
        wanted = [
            {"row": row, "prompt": prompt, "seed": seed}
            for row, prompt in enumerate(self.work.prompts)
            for seed in self.work.seeds
        ]
        found = []
        for column in columns_to_draw(self.work):
            made = {(cell.prompt_index, cell.seed) for cell in column.cells.all()}
            lacking = [one for one in wanted if (one["row"], one["seed"]) not in made]
            if lacking:
                found.append((column, lacking))
        return found

    def _column(self, column: ComparisonColumn, pictures: list[dict[str, Any]]) -> dict[str, Any]:
        base = column.base
        if base is None or (column.vae_name and column.vae is None):
            raise PermanentFailureError("model_missing", "A model of this comparison was deleted.")
        compared = self.work.version
        return {
            "column": column.pk,
            "base": self._base(base),
            "vae": str(self._file(column.vae)) if column.vae else "",
            "file": str(self._file(compared)) if column.is_applied else "",
            "weight": 1.0 if column.weight is None else column.weight,
            "pictures": pictures,
        }

    def _base(self, version: ModelVersion) -> dict[str, str]:
        path = self._file(version)
        sha256 = choose_file(version).blob.sha256
        if is_bundled_base(sha256):
            path = tiny_base_dir()
        return {"path": str(path), "name": version.model.name, "sha256": sha256}

    def _file(self, version: ModelVersion) -> Path:
        """The version's own file, by the name that prompts know it by; only a cleared one."""
        try:
            file = choose_file(version)
        except AtelierError as error:
            raise PermanentFailureError("model_missing", error.message) from error
        if not file.is_clean:
            raise PermanentFailureError("model_missing", f"{file.name} is not cleared any more.")
        folder = self.folder.root / "files" / str(version.pk)
        return ensure_local(file.blob, folder, name=download_name(file))
