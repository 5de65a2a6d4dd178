"""Preview grids: prompts down, files and weights across, one seed; cells come as they are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from training.engine.applying import AppliedFile, applied, kind_of_file
from training.engine.components import Components
from training.engine.config import TrainConfig
from training.engine.file_writing import file_hash, tensor_hash, whole_file
from training.engine.preview import TrainedFile, generation_data, save_picture
from training.engine.prompts import PromptRequest, parse_prompt
from training.engine.sampling import make_pictures
from training.engine.text import TextConditioner

LABEL_HEIGHT = 26
MARGIN = 6
PAPER, INK = (255, 255, 255), (30, 30, 30)


@dataclass(frozen=True)
class GridCell:
    """One picture of a grid; row and column count from 0."""

    row: int
    column: int
    path: Path
    prompt: str
    label: str


def make_grid(
    config: TrainConfig,
    components: Components,
    *,
    prompts: list[str],
    files: list[Path],
    weights: list[float],
    seed: int,
    folder: Path,
    on_cell: Callable[[GridCell], None],
) -> Path:
    """Make every cell with the same seed and return the sheet that shows them all.

    Rows are prompts (kohya's lines); columns are files times weights, after one column without
    any file. A file that has no strength (an embedding) gets one column.
    """
    folder.mkdir(parents=True, exist_ok=True)
    requests = [replace(parse_prompt(line, config), seed=seed) for line in prompts]
    columns: list[AppliedFile | None] = [None]
    for path in files:
        strengths = [1.0] if kind_of_file(path) == "embedding" else weights
        columns += [AppliedFile(path, weight) for weight in strengths]
    cells = [
        cell
        for number, column in enumerate(columns)
        for cell in _column(config, components, requests, number, column, folder, on_cell)
    ]
    return _sheet(cells, folder / "grid.png")


def _column(
    config: TrainConfig,
    components: Components,
    requests: list[PromptRequest],
    number: int,
    file: AppliedFile | None,
    folder: Path,
    on_cell: Callable[[GridCell], None],
) -> list[GridCell]:
    cells: list[GridCell] = []
    label = "base" if file is None else f"{file.path.stem} · {file.weight:g}"
    trained = None if file is None else _described(file)

    def keep(row: int, picture: Image.Image) -> None:
        path = folder / f"r{row:02d}-c{number:02d}.png"
        weight = 1.0 if file is None else file.weight
        data = generation_data(requests[row], components, config, trained, weight=weight)
        save_picture(path, picture, data)
        cells.append(GridCell(row, number, path, requests[row].prompt, label))
        on_cell(cells[-1])

    with applied(components, [] if file is None else [file]):
        conditioner = TextConditioner(components, clip_skip=config.clip_skip)
        make_pictures(components, conditioner, requests, on_picture=keep)
    return cells


def _described(file: AppliedFile) -> TrainedFile:
    kind = kind_of_file(file.path)
    found = tensor_hash(file.path) if kind == "lora" else file_hash(file.path)
    return TrainedFile(file.path.stem, found, kind)


def _sheet(cells: list[GridCell], path: Path) -> Path:
    """Compose the cells with labels above the columns and under the rows."""
    pictures = {}
    for cell in cells:
        with Image.open(cell.path) as opened:
            pictures[(cell.row, cell.column)] = opened.convert("RGB")
    width = max(picture.width for picture in pictures.values()) + MARGIN
    height = max(picture.height for picture in pictures.values()) + LABEL_HEIGHT
    rows, columns = (1 + max(place[axis] for place in pictures) for axis in (0, 1))
    sheet = Image.new("RGB", (columns * width + MARGIN, rows * height + LABEL_HEIGHT), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for cell in cells:
        left, top = MARGIN + cell.column * width, LABEL_HEIGHT + cell.row * height
        sheet.paste(pictures[(cell.row, cell.column)], (left, top))
        if cell.row == 0:
            draw.text((left, 5), _fitted(cell.label, width, font), INK, font)
        if cell.column == 0:
            text = _fitted(cell.prompt, columns * width, font)
            draw.text((left, top + height - LABEL_HEIGHT + 3), text, INK, font)
    with whole_file(path) as beside:
        sheet.save(beside, format="PNG")
    return path


def _fitted(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    while text and font.getlength(text) > width - MARGIN:
        text = text[:-2].rstrip("…") + "…" if len(text) > 2 else ""
    return text
