"""Rules of the house that no linter knows: sizes of files and functions, and what calls must say.

Each rule reads the syntax trees of the project's own files. A function may be longer than the
budget where a comment above it says why: `# long: …`; a task may have no time limit where one says
why: `# No time limits: …`.
"""

import ast
import inspect
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from hub.core import errors
from hub.embedded.config import PROJECT_DIR

FILE_LINES, FUNCTION_LINES = 400, 50
SOURCE = (".py", ".js", ".css", ".html", ".conf", ".yaml", ".tpl")
NOT_OURS = ("frontend/static/vendor/", "training/base_models/configs/")
PACKAGES = ("hub", "models_registry", "gallery", "training", "frontend")
INTERFACES = ("frontend/pages/", "frontend/contexts/", "hub/api/")
WRITES = frozenset(
    {
        *("create", "bulk_create", "get_or_create", "update_or_create"),
        *("save", "asave", "delete", "bulk_update", "acreate"),
    }
)
PEOPLES_ERRORS = frozenset(kind.__name__ for kind in vars(errors).values() if inspect.isclass(kind))
#: What programs read: Civitai's API has Civitai's sentences.
IN_ENGLISH = ("hub/api/civitai/", "hub/cli/", "hub/formats/", "models_registry/catalogue.py")
Rule = Callable[[ast.Call, str, set], bool]
RELATIONS = frozenset({"ForeignKey", "OneToOneField", "ManyToManyField"})
NETWORK = re.compile(
    r"(requests|httpx)\.(get|post|put|patch|delete|head|request|stream|Client|AsyncClient)"
    r"|(urllib\.request\.)?urlopen"
)
UNPICKLING = re.compile(
    r"(c?[pP]ickle|dill|joblib|marshal|shelve|pandas|pd)\.(loads?|Unpickler|open|read_pickle)"
)


def tracked() -> list[Path]:
    """Files of the project: what git knows, or would add."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [name for name in listed.stdout.splitlines() if not name.startswith(NOT_OURS)]
    return [PROJECT_DIR / name for name in names if (PROJECT_DIR / name).is_file()]


FILES = tracked()
PYTHON = [path for path in FILES if path.suffix == ".py" and "migrations" not in path.parts]
CODE = [path for path in PYTHON if path.relative_to(PROJECT_DIR).parts[0] in PACKAGES]


def name_of(path: Path) -> str:
    return path.relative_to(PROJECT_DIR).as_posix()


@cache
def lines_of(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


def said_above(path: Path, node: ast.stmt) -> str:
    """The comment right above a definition and its decorators."""
    line = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))]) - 1
    said = []
    while line > 0 and lines_of(path)[line - 1].lstrip().startswith("#"):
        line -= 1
        said.insert(0, lines_of(path)[line].strip("# "))
    return " ".join(said)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in nodes_of(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def calls(nodes: Iterable[ast.AST]) -> Iterator[tuple[ast.Call, str, set]]:
    """Every call, the dotted name that is called, and the names of its arguments."""
    for node in nodes:
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func), {word.arg for word in node.keywords}


@cache
def calls_of(path: Path) -> list[tuple[ast.Call, str, set]]:
    return list(calls(nodes_of(path)))


def test_no_file_is_longer_than_people_read() -> None:
    texts = [path for path in FILES if path.suffix in SOURCE and "migrations" not in path.parts]
    long = {name_of(path): len(lines_of(path)) for path in texts}

    assert len(texts) > 500
    assert {name: lines for name, lines in long.items() if lines > FILE_LINES} == {}


def test_no_function_is_longer_than_a_screen_without_a_reason() -> None:
    long = [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for path in PYTHON
        for node in functions(path)
        if node.end_lineno - node.lineno >= FUNCTION_LINES
        and "long: " not in said_above(path, node)
    ]

    assert long == []


def sends(_node: ast.Call, called: str, _words: set) -> bool:
    """Wakes a task: `enqueue_on_commit` alone may, since a bare call runs before the row is."""
    return called.rpartition(".")[2] in {"delay", "apply_async", "send_task"}


def hides_its_way_back(_node: ast.Call, called: str, words: set) -> bool:
    """A relation without related_name."""
    return called.rpartition(".")[2] in RELATIONS and "related_name" not in words


def writes(_node: ast.Call, called: str, _words: set) -> bool:
    """Changes rows: an interface calls a service for that."""
    owner, _dot, method = called.rpartition(".")
    return method in WRITES and (".objects" in owner or method in {"save", "asave"})


def waits_without_end(_node: ast.Call, called: str, words: set) -> bool:
    """Asks the network without a timeout."""
    return bool(NETWORK.fullmatch(called)) and "timeout" not in words


def unpickles(node: ast.Call, called: str, _words: set) -> bool:
    """Reads a file in a way that can run what is in it."""
    return (
        bool(UNPICKLING.fullmatch(called))
        or (called == "torch.load" and "weights_only=True" not in ast.unparse(node))
        or (called in {"np.load", "numpy.load"} and "allow_pickle=True" in ast.unparse(node))
        or (called == "yaml.load" and "SafeLoader" not in ast.unparse(node))
    )


def speaks_english_only(node: ast.Call, called: str, _words: set) -> bool:
    """An error that people read, in words that no catalogue of translations has."""
    said = node.args[0] if node.args else None
    parts = said.values if isinstance(said, ast.JoinedStr) else [said]
    words = [part.value for part in parts if isinstance(part, ast.Constant)]
    return called in PEOPLES_ERRORS and any(re.search(r"[a-z]", word) for word in words)


def found(files: list[Path], rule: Rule) -> list[str]:
    """Where calls break a rule."""
    return [
        f"{name_of(path)}:{node.lineno} {called}"
        for path in files
        for node, called, words in calls_of(path)
        if rule(node, called, words)
    ]


@pytest.mark.parametrize(
    ("rule", "files"),
    [
        (sends, [path for path in CODE if name_of(path) != "hub/core/tasks.py"]),
        (hides_its_way_back, CODE),
        (writes, [path for path in CODE if name_of(path).startswith(INTERFACES)]),
        (waits_without_end, CODE),
        (unpickles, CODE),
        (speaks_english_only, [path for path in CODE if not name_of(path).startswith(IN_ENGLISH)]),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_no_call_breaks_a_rule(rule: Rule, files: list[Path]) -> None:
    assert len(files) > 20
    assert found(files, rule) == []


@pytest.mark.parametrize(
    ("rule", "broken", "kept"),
    [
        (sends, "process_file.delay(1)", "enqueue_on_commit(TaskName.PROCESS, id=1)"),
        (
            hides_its_way_back,
            "models.ForeignKey(User, on_delete=models.CASCADE)",
            'models.ForeignKey(User, on_delete=models.CASCADE, related_name="runs")',
        ),
        (writes, "Model.objects.create(name=name)", "drafts.create_model(actor=actor)"),
        (writes, "form.instance.save()", "Model.objects.filter(pk=1).first()"),
        (waits_without_end, "httpx.Client()", "httpx.Client(timeout=5)"),
        (unpickles, "pickle.load(file)", "json.load(file)"),
        (unpickles, "torch.load(path)", "torch.load(path, weights_only=True)"),
        (unpickles, "np.load(path, allow_pickle=True)", "np.load(path)"),
        (speaks_english_only, "NotFound('Nothing here.')", "NotFound(_('Nothing here.'))"),
        (speaks_english_only, 'TooLarge(f"{size} bytes")', "TooLarge(_('%s bytes') % size)"),
    ],
)
def test_a_rule_tells_what_breaks_it_from_what_keeps_it(rule, broken, kept) -> None:
    for text, is_broken in ((broken, True), (kept, False)):
        assert any(rule(*call) for call in calls(ast.walk(ast.parse(text)))) == is_broken


def test_every_task_has_a_name_and_time_limits() -> None:
    tasks = [
        (path, node, ast.unparse(mark))
        for path in CODE
        for node in functions(path)
        for mark in node.decorator_list
        if "shared_task" in ast.unparse(mark)
    ]

    assert len(tasks) > 10
    assert [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for path, node, mark in tasks
        if "name=" not in mark or not _is_limited(path, node, mark)
    ] == []


def _is_limited(path: Path, node: ast.FunctionDef, mark: str) -> bool:
    limited = re.search(r"\btime_limit=", mark) and "soft_time_limit=" in mark
    return bool(limited) or "No time limits: " in said_above(path, node)


def test_rows_have_no_order_of_their_own() -> None:
    """A default order costs every query and hides which list forgot to order."""
    ordered = [
        f"{name_of(path)}:{line.lineno}"
        for path in CODE
        for node in nodes_of(path)
        if isinstance(node, ast.ClassDef) and node.name == "Meta"
        for line in node.body
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "ordering"
    ]

    assert ordered == []


@pytest.mark.parametrize("path", ["hub/__init__.py", "training/__init__.py"])
def test_the_engine_and_the_command_line_load_nothing_by_their_package(path: str) -> None:
    assert (PROJECT_DIR / path).read_text("utf-8") == ""


def test_a_module_is_named_after_its_subject_and_nothing_is_left_to_do() -> None:
    vague = [name_of(path) for path in PYTHON if path.stem in {"utils", "helpers", "misc"}]
    words = re.compile(r"#.*\b(TODO|FIXME|HACK)\b")
    left = [
        f"{name_of(path)}:{number}"
        for path in CODE
        for number, line in enumerate(lines_of(path), 1)
        if words.search(line)
    ]

    assert vague == []
    assert left == []
