"""One picture of many: cells in rows and columns, labels above the columns and under the rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from training.engine.files.file_writing import whole_file

LABEL_HEIGHT = 26
MARGIN = 6
FONT_PIXELS = 13
PAPER, INK = (255, 255, 255), (30, 30, 30)
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class SheetCell:
    """A picture with its place, counted from 0, and the labels of its column and row."""

    row: int
    column: int
    path: Path
    column_label: str
    row_label: str


def compose(cells: list[SheetCell], path: Path) -> Path:
    """Write the sheet of these cells as a PNG; pictures of any sizes, at least one."""
    pictures = {(cell.row, cell.column): _opened(cell.path) for cell in cells}
    width = max(picture.width for picture in pictures.values()) + MARGIN
    height = max(picture.height for picture in pictures.values()) + LABEL_HEIGHT
    rows, columns = (1 + max(place[axis] for place in pictures) for axis in (0, 1))
    sheet = Image.new("RGB", (columns * width + MARGIN, rows * height + LABEL_HEIGHT), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(FONT_PIXELS)
    for cell in cells:
        left, top = MARGIN + cell.column * width, LABEL_HEIGHT + cell.row * height
        sheet.paste(pictures[(cell.row, cell.column)], (left, top))
        if cell.row == 0:
            draw.text((left, 5), _fitted(cell.column_label, width, font), INK, font)
        if cell.column == 0:
            text = _fitted(cell.row_label, columns * width, font)
            draw.text((left, top + height - LABEL_HEIGHT + 3), text, INK, font)
    with whole_file(path) as beside:
        sheet.save(beside, format="PNG")
    return path


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as opened:
        return opened.convert("RGB")


def _fitted(text: str, width: int, font: Font) -> str:
    while text and font.getlength(text) > width - MARGIN:
        text = text[:-2].rstrip("…") + "…" if len(text) > 2 else ""
    return text
