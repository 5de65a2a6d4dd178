"""Preview grids: prompts and seeds down, checkpoints, weights and guidance across.

Cells come as they are made, each with its own generation data; at the end one sheet shows all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from training.engine.components import Components
from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.samples.applying import AppliedFile, kind_of_file
from training.engine.samples.drawing import BaseChoice, DrawnPicture, draw, open_base
from training.engine.samples.grid_sheet import SheetCell, compose
from training.engine.samples.prompts import PromptRequest
from training.engine.samples.resource_library import ResourceLibrary

MAX_CELLS = 2000


@dataclass(frozen=True)
class GridPlan:
    """What a grid shows; an axis left empty has the one value that the prompts have.

    `files` are LoRAs, embeddings, hypernetworks (each at each weight) or whole checkpoints, beside
    one column of the base alone, unless `with_base` is off. `guidances` is CFG.
    """

    requests: tuple[PromptRequest, ...]
    files: tuple[Path, ...] = ()
    weights: tuple[float, ...] = (1.0,)
    guidances: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()
    with_base: bool = True


@dataclass(frozen=True)
class GridCell:
    """One picture of a grid; row and column count from 0, `total` is the number of cells."""

    row: int
    column: int
    total: int
    path: Path
    prompt: str
    label: str
    seed: int


@dataclass(frozen=True)
class _Column:
    """What all pictures of a column share."""

    number: int
    path: Path | None
    weight: float
    guidance: float | None

    @property
    def label(self) -> str:
        name = "base" if self.path is None else self.path.stem
        weighted = self.path is not None and kind_of_file(self.path) in ("lora", "hypernetwork")
        parts = [name, f"{self.weight:g}" if weighted else ""]
        parts.append("" if self.guidance is None else f"CFG {self.guidance:g}")
        return " · ".join(part for part in parts if part)


def make_grid(
    config: TrainConfig,
    components: Components,
    plan: GridPlan,
    *,
    folder: Path,
    on_cell: Callable[[GridCell], None],
    library: ResourceLibrary | None = None,
) -> Path:
    """Make every cell and return the sheet that shows them all, grid.png in `folder`.

    Columns that differ in guidance alone are made together, so that a file is read once. Raises
    ConfigError for a plan without prompts or with more than 2000 cells.
    """
    rows, columns = list(_rows(plan)), list(_columns(plan))
    total = len(rows) * len(columns)
    if not 0 < total <= MAX_CELLS:
        raise ConfigError(
            f"This grid would have {total} cells, and it can have 1 to {MAX_CELLS}. Change the "
            "number of prompts, files, weights, guidance scales or seeds."
        )
    folder.mkdir(parents=True, exist_ok=True)
    maker = _Maker(config, components, rows, total, folder, on_cell, library or ResourceLibrary())
    cells: list[GridCell] = []
    for _, alike in groupby(columns, key=lambda column: (column.path, column.weight)):
        cells += maker.make(list(alike))
    sheet = [SheetCell(c.row, c.column, c.path, c.label, _row_label(plan, c)) for c in cells]
    return compose(sheet, folder / "grid.png")


def _rows(plan: GridPlan) -> Iterator[PromptRequest]:
    for request in plan.requests:
        for seed in plan.seeds or (request.seed,):
            yield replace(request, seed=seed)


def _columns(plan: GridPlan) -> Iterator[_Column]:
    sources: list[tuple[Path | None, float]] = [(None, 1.0)] if plan.with_base else []
    for path in plan.files:
        weighted = kind_of_file(path) in ("lora", "hypernetwork")
        sources += [(path, weight) for weight in (plan.weights if weighted else (1.0,))]
    guidances: tuple[float | None, ...] = plan.guidances or (None,)
    number = 0
    for source, weight in sources:
        for guidance in guidances:
            yield _Column(number, source, weight, guidance)
            number += 1


def _row_label(plan: GridPlan, cell: GridCell) -> str:
    return f"{cell.prompt}  (seed {cell.seed})" if len(plan.seeds) > 1 else cell.prompt


@dataclass(frozen=True)
class _Maker:
    """Makes the columns of one file and weight in one go."""

    config: TrainConfig
    components: Components
    rows: list[PromptRequest]
    total: int
    folder: Path
    on_cell: Callable[[GridCell], None]
    library: ResourceLibrary

    def make(self, columns: list[_Column]) -> list[GridCell]:
        """Return the cells of columns that differ in guidance alone."""
        places = [(column, row) for column in columns for row in range(len(self.rows))]
        requests = [self._request(column, row) for column, row in places]
        cells: list[GridCell] = []

        def keep(picture: DrawnPicture) -> None:
            column, row = places[picture.number]
            request = self.rows[row]
            cell = GridCell(
                row, column.number, self.total, picture.path, request.prompt, column.label,
                request.seed,
            )  # fmt: skip
            cells.append(cell)
            self.on_cell(cell)

        config, components, files = self._model(columns[0])
        draw(
            components,
            config,
            requests,
            path_of=lambda number: self._path(*places[number]),
            on_picture=keep,
            library=self.library,
            always=files,
        )
        return cells

    def _request(self, column: _Column, row: int) -> PromptRequest:
        request = self.rows[row]
        return request if column.guidance is None else replace(request, guidance=column.guidance)

    def _path(self, column: _Column, row: int) -> Path:
        return self.folder / f"r{row:02d}-c{column.number:02d}.png"

    def _model(self, column: _Column) -> tuple[TrainConfig, Components, list[AppliedFile]]:
        """Return the model of a column: the base with a file on it, or a checkpoint instead."""
        if column.path is None:
            return self.config, self.components, []
        if kind_of_file(column.path) != "checkpoint":
            return self.config, self.components, [AppliedFile(column.path, column.weight)]
        choice = BaseChoice(
            column.path, clip_skip=self.config.clip_skip, pixels=self.config.resolution
        )
        return (*open_base(choice), [])
