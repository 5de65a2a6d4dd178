"""Icon sets from npm (`@iconify-json/*`) as RGBA pictures."""

import io
import json
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import resvg_py
from PIL import Image

from training.base_models.tiny.recipe.colours import Pixels
from training.base_models.tiny.recipe.world import ICON_PIXELS, PICTURE_PIXELS


@dataclass(frozen=True)
class IconPackage:
    """One pinned npm package of icons and its licence (SPDX)."""

    name: str
    version: str
    licence: str
    author: str

    @property
    def specifier(self) -> str:
        """Return what `npm pack` takes."""
        return f"@iconify-json/{self.name}@{self.version}"


BASE_PACKAGES: Final = (
    IconPackage("noto", "1.2.9", "Apache-2.0", "Google Inc"),
    IconPackage("fluent-emoji", "1.2.7", "MIT", "Microsoft Corporation"),
    IconPackage("fluent-emoji-flat", "1.2.6", "MIT", "Microsoft Corporation"),
)
"""The only packages that the shipped weights have seen."""


def fetch_package(package: IconPackage, folder: Path) -> Path:
    """Download and unpack one package with the npm client; returns its `icons.json`."""
    target = folder / f"{package.name}-{package.version}"
    icons = target / "icons.json"
    if icons.exists():
        return icons
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(  # noqa: S603 (fixed arguments)
        ["npm", "pack", "--silent", package.specifier],  # noqa: S607
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    with tarfile.open(folder / done.stdout.split()[-1]) as archive:
        member = archive.extractfile("package/icons.json")
        if member is None:
            raise FileNotFoundError(f"{package.specifier} holds no icons.json")
        target.mkdir(exist_ok=True)
        icons.write_bytes(member.read())
    return icons


class IconSet:
    """The SVG bodies of one package, by icon name (aliases resolved)."""

    def __init__(self, icons_json: Path) -> None:
        """Read `icons.json` of one package."""
        data = json.loads(icons_json.read_text(encoding="utf-8"))
        self._size = (data.get("width", 16), data.get("height", 16))
        self._icons = data["icons"]
        self._aliases = {
            name: alias["parent"]
            for name, alias in data.get("aliases", {}).items()
            if set(alias) == {"parent"}
        }

    def __contains__(self, name: str) -> bool:
        """Whether the set has an icon of this name."""
        return self._aliases.get(name, name) in self._icons

    def names(self) -> list[str]:
        """Return the names of all icons, sorted, without aliases."""
        return sorted(self._icons)

    def svg(self, name: str, pixels: int, ink: str = "#ffffff") -> str:
        """Return the icon as a complete SVG document; `ink` replaces `currentColor`."""
        icon = self._icons[self._aliases.get(name, name)]
        width = icon.get("width", self._size[0])
        height = icon.get("height", self._size[1])
        body = icon["body"].replace("currentColor", ink)
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'width="{pixels}" height="{pixels}" viewBox="0 0 {width} {height}">{body}</svg>'
        )

    def render(self, name: str, pixels: int = ICON_PIXELS, canvas: int = PICTURE_PIXELS) -> Pixels:
        """Draw one icon in the middle of a transparent canvas; returns (canvas, canvas, 4)."""
        drawn = resvg_py.svg_to_bytes(
            svg_string=self.svg(name, pixels), width=pixels, height=pixels
        )
        icon = Image.open(io.BytesIO(bytes(drawn))).convert("RGBA")
        frame = Image.new("RGBA", (canvas, canvas))
        frame.paste(icon, ((canvas - icon.width) // 2, (canvas - icon.height) // 2))
        return np.asarray(frame)
