"""The command line installs alone: without Django, without torch, with what it declares."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
FASTER_WHERE_INSTALLED = {"isal"}  # hub.formats.crc32 does without
PROBE = """
import json, pkgutil, importlib, sys
import hub.cli
names = [row.name for row in pkgutil.walk_packages(hub.cli.__path__, "hub.cli.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""


def loaded_modules() -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, cwd=PROJECT, check=True
    )
    return set(json.loads(done.stdout))


def declared() -> set[str]:
    """Names of the project's own dependencies, without versions."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    return {re.split(r"[<>=~\[ ]", line)[0].lower() for line in project["dependencies"]}


def locked() -> set[str]:
    lines = (PROJECT / "requirements" / "cli.txt").read_text().splitlines()
    return {line.partition("==")[0].lower() for line in lines if line and line[0] not in " #"}


def test_every_module_loads_without_django_torch_or_any_other_part_of_the_house():
    modules = loaded_modules()
    heavy = {"django", "torch", "rest_framework", "celery", "numpy", "PIL", "psycopg"}
    assert not heavy & {name.partition(".")[0] for name in modules}
    ours = {".".join(name.split(".")[:2]) for name in modules if name.startswith("hub.")}
    assert ours == {"hub.cli", "hub.formats"}
    assert not any(name.startswith(("models_registry", "gallery", "training")) for name in modules)


def imported() -> set[str]:
    """Third-party packages that the sources of the command line and the formats name."""
    tops: set[str] = set()
    for path in (*PROJECT.glob("hub/cli/**/*.py"), *PROJECT.glob("hub/formats/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                tops |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                tops.add(node.module.partition(".")[0])
    return tops - set(sys.stdlib_module_names) - {"hub"}


def test_what_it_imports_is_what_it_declares_and_what_is_locked():
    assert imported() - FASTER_WHERE_INSTALLED == declared()
    assert declared() <= locked()


def test_the_chinese_catalogue_is_installed_with_it():
    tools = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]
    [pattern] = tools["setuptools"]["package-data"]["hub.cli"]
    assert [path.name for path in (PROJECT / "hub" / "cli").glob(pattern)] == ["atelier.mo"]


def test_the_command_is_an_entry_point_that_exists():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert project["scripts"]["atelier"] == "hub.cli.main:app"
    command = [sys.executable, "-m", "hub.cli", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=True)
    assert all(word in done.stdout for word in ("login", "pull", "push", "sync", "train", "watch"))
