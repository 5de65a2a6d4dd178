"""Developer tool: copy third-party files from npm into static/vendor, cut the icon sprite.

Run it when a version changes and commit the result: ``python frontend/vendor.py``.
Running Atelier never needs npm. ``VENDOR.tsv`` holds name, package, licence and SHA-256 of every
file; a test compares it with the files.
"""

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

VENDOR_DIR = Path(__file__).parent / "static" / "vendor"


@dataclass(frozen=True, slots=True)
class VendoredFile:
    """One file of one pinned package; the package also gives its licence text."""

    package: str
    version: str
    inside: str
    name: str


_PSWP = ("photoswipe", "5.4.4")
FILES = (
    VendoredFile("uplot", "1.6.32", "dist/uPlot.esm.js", "uplot.esm.js"),
    VendoredFile("uplot", "1.6.32", "dist/uPlot.min.css", "uplot.min.css"),
    VendoredFile(*_PSWP, "dist/photoswipe.esm.min.js", "photoswipe.esm.min.js"),
    VendoredFile(*_PSWP, "dist/photoswipe-lightbox.esm.min.js", "photoswipe-lightbox.esm.min.js"),
    VendoredFile(*_PSWP, "dist/photoswipe.css", "photoswipe.css"),
    VendoredFile("tus-js-client", "4.3.1", "dist/tus.min.js", "tus.min.js"),
    VendoredFile(
        "@fontsource-variable/inter",
        "5.3.0",
        "files/inter-latin-wght-normal.woff2",
        "inter-latin-wght-normal.woff2",
    ),
    VendoredFile(
        "@fontsource-variable/jetbrains-mono",
        "5.3.0",
        "files/jetbrains-mono-latin-wght-normal.woff2",
        "jetbrains-mono-latin-wght-normal.woff2",
    ),
)
ICONS = ("lucide-static", "1.62.0")
ICON_NAMES = """
activity arrow-down arrow-down-wide-narrow arrow-left arrow-right arrow-up badge-check ban bell
book-open bookmark bot box boxes calendar chart-line check chevron-down chevron-left chevron-right
chevron-up chevrons-up-down circle circle-alert circle-check circle-dot circle-help circle-pause
circle-play circle-stop circle-x clipboard clock cloud cloud-upload copy corner-down-left cpu crop
database download ellipsis external-link eye eye-off file file-archive file-box file-check file-plus
file-text file-x filter flag folder folder-open folder-plus gauge git-branch git-compare globe
grid-2x2 grid-3x3 grip-vertical hard-drive hash heart history hourglass house image image-off
image-plus image-up images inbox info key keyboard languages layers layout-grid lightbulb link
link-2 list list-ordered list-restart loader loader-circle lock log-in log-out mail maximize-2
memory-stick message-square minus monitor moon mouse-pointer-click move network package palette
pause pencil percent pin play plug plus power rectangle-horizontal rectangle-vertical redo-2
refresh-cw replace rotate-ccw rotate-cw save scan-search search search-x send server settings
share-2 shield shield-alert shield-check shield-x shirt skip-forward sliders-horizontal smile
sparkles square square-check square-dashed star star-off sun tag tags target terminal thumbs-down
thumbs-up timer trash-2 triangle-alert trophy undo-2 unlink upload user user-minus user-plus users
wand-sparkles wifi wifi-off x zap zoom-in
""".split()  # noqa: SIM905  a hundred words read better as text

_STROKE = (
    'viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" '
    'stroke-linecap="round" stroke-linejoin="round"'
)


def unpack(package: str, version: str, folder: Path) -> Path:
    """Download one pinned package and return the folder with its files."""
    command = ["npm", "pack", f"{package}@{version}", "--silent", "--pack-destination", str(folder)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    target = folder / "unpacked" / package
    with tarfile.open(folder / answer.stdout.split()[-1]) as archive:
        archive.extractall(target, filter="data")
    return target / "package"


def licence(root: Path) -> str:
    """Return the licence name that a package declares."""
    return str(json.loads((root / "package.json").read_text("utf-8"))["license"])


def symbol(name: str, svg: str) -> str:
    """Turn one Lucide file into a sprite symbol."""
    found = re.search(r"<svg[^>]*>(.*)</svg>", svg, re.DOTALL)
    if found is None:
        message = f"{name}.svg has no <svg> element"
        raise ValueError(message)
    return f'<symbol id="{name}" {_STROKE}>{" ".join(found.group(1).split())}</symbol>'


def without_source_map(data: bytes) -> bytes:
    """Drop the link to a source map that is not shipped; hashed storage would look for it."""
    return re.sub(rb"\n?//# sourceMappingURL=\S+\s*\Z", b"\n", data)


def record(name: str, source: str, licence_name: str, data: bytes) -> str:
    """Write one file and return its line for VENDOR.tsv."""
    (VENDOR_DIR / name).write_bytes(data)
    return f"{name}\t{source}\t{licence_name}\t{hashlib.sha256(data).hexdigest()}"


def cut_sprite(icons: Path) -> bytes:
    """Build the sprite of the icons that the templates use."""
    symbols = [symbol(name, (icons / f"{name}.svg").read_text("utf-8")) for name in ICON_NAMES]
    sprite = "\n".join(symbols)
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{sprite}\n</svg>\n'.encode()


def main() -> None:
    """Fetch everything and write the files and their list."""
    VENDOR_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        roots: dict[str, Path] = {}
        lines = []
        for item in FILES:
            if item.package not in roots:
                roots[item.package] = unpack(item.package, item.version, folder)
            root = roots[item.package]
            data = without_source_map((root / item.inside).read_bytes())
            source = f"{item.package}@{item.version}"
            lines.append(record(item.name, source, licence(root), data))
        root = unpack(*ICONS, folder)
        source = f"{ICONS[0]}@{ICONS[1]}"
        lines.append(record("icons.svg", source, licence(root), cut_sprite(root / "icons")))
    (VENDOR_DIR / "VENDOR.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    sys.stdout.write(f"{len(lines)} files, {len(ICON_NAMES)} icons\n")


if __name__ == "__main__":
    main()
