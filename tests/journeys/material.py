"""What people bring to a journey: a folder of pictures with captions, a zip of more."""

from pathlib import Path

from tests.factories.training import picture_bytes, zip_bytes

SIDE = 128
FOLDER = "2_lantern"  # kohya's form: each picture twice in an epoch
TRIGGER = "sks lantern"
CAPTION = f"paper, {TRIGGER}, glowing"
TAGS = [TRIGGER, "paper", "glowing"]  # the trigger word comes first, wherever it stood
IN_FOLDER = 6
IN_ZIP = 2


def picture_folder(parent: Path) -> Path:
    """Six small pictures, each with its caption beside it."""
    folder = parent / FOLDER
    folder.mkdir()
    for number in range(IN_FOLDER):
        (folder / f"{number:02d}.png").write_bytes(picture_bytes(number, size=(SIDE, SIDE)))
        (folder / f"{number:02d}.txt").write_text(CAPTION, encoding="utf-8")
    return folder


def picture_zip(parent: Path) -> Path:
    """Two more in the same layout, and a file that is no picture."""
    members = {f"{FOLDER}/notes.pdf": b"%PDF-1.7 not for training"}
    for number in range(IN_FOLDER, IN_FOLDER + IN_ZIP):
        members[f"{FOLDER}/{number:02d}.png"] = picture_bytes(number, size=(SIDE, SIDE))
        members[f"{FOLDER}/{number:02d}.txt"] = CAPTION.encode()
    path = parent / "more.zip"
    path.write_bytes(zip_bytes(members))
    return path
