"""The names of the training methods, which are those of the files in `methods/`. Torch-free."""

from __future__ import annotations

from importlib.util import find_spec
from pkgutil import iter_modules

METHODS = "training.engine.methods"
USUAL = "lora"


def method_names() -> tuple[str, ...]:
    """Return all of them, the usual one first; nothing of a method is imported.

    A file that begins with an underscore is none.
    """
    found = find_spec(METHODS)
    folders = found.submodule_search_locations if found else None
    names = [module.name for module in iter_modules(folders or [])]
    public = sorted(name for name in names if not name.startswith("_"))
    return tuple(sorted(public, key=lambda name: name != USUAL))
