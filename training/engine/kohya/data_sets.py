"""Files of data sets of kohya's scripts (dataset_config), as far as one data set goes. Torch-free.

https://github.com/kohya-ss/sd-scripts/blob/main/docs/config_README-en.md
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PureWindowsPath
from typing import Any

from training.engine.kohya.names import truth

NOT_OPTIONS = ("class_tokens", "name", "is_reg", "image_dir", "metadata_file", "num_repeats")
TRAINING, REGULARISATION = "train_data_dir", "reg_data_dir"


def read_data_sets(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the general part and the first data set in words of the scripts, and what is lost.

    Several folders become the one that they lie in.
    """
    known: dict[str, Any] = dict(data.get("general") or {})
    sets = list(data.get("datasets") or [])
    report = [f"Data set {n} of dataset_config was left out." for n in range(2, len(sets) + 1)]
    first: dict[str, Any] = dict(sets[0]) if sets else {}
    subsets = list(first.pop("subsets", []))
    known |= {"train_batch_size" if n == "batch_size" else n: v for n, v in first.items()}
    folders: dict[str, list[str]] = {}
    for subset in subsets:
        kind = REGULARISATION if truth(subset.get("is_reg", False)) else TRAINING
        folder = str(subset.get("image_dir", subset.get("metadata_file", "")))
        options = {name: v for name, v in subset.items() if name not in NOT_OPTIONS}
        if not folders:
            known |= options
        report += [
            f"{name} = {value!r} of the folder {folder} was left out: here it is one for all."
            for name, value in options.items()
            if known.get(name) != value
        ]
        words = str(subset.get("class_tokens", first.get("class_tokens", "")))
        report += _other_name(folder, int(subset.get("num_repeats", 1)), words)
        folders.setdefault(kind, []).append(folder)
    for kind, several in folders.items():
        known[kind], lost = _together(several)
        report += lost
    return known, report


def _together(folders: list[str]) -> tuple[str, list[str]]:
    """Return the folder that holds all of some, else the first, and what that means."""
    parents = {PureWindowsPath(folder).parent.as_posix() for folder in folders}
    if len(folders) == 1:
        return folders[0], []
    if len(parents) == 1 and parents != {"."}:
        (parent,) = parents
        count = len(folders)
        return parent, [f"All folders in {parent} are shown, of which kohya's file names {count}."]
    return folders[0], [
        f"The folder {other} of dataset_config was left out." for other in folders[1:]
    ]


def _other_name(folder: str, repeats: int, words: str) -> list[str]:
    """Return sentences where a folder's own name says other repeats or words than its data set.

    The words are the caption of pictures that have none.
    """
    name = PureWindowsPath(folder).name  # which splits at both kinds of slashes
    number, _, own_words = name.partition("_")
    own = int(number) if number.isdecimal() else 1
    wanted = f"{repeats}_{words or (own_words if number.isdecimal() else name)}"
    report = []
    if own != repeats:
        report.append(
            f"The pictures of {folder} are repeated {repeats} times in kohya's file; name the "
            f"folder {wanted} to repeat them here."
        )
    if words and words != (own_words if number.isdecimal() else ""):
        report.append(
            f"Pictures of {folder} without a caption are called {words!r} in kohya's file; name "
            f"the folder {wanted} to call them so here."
        )
    return report
