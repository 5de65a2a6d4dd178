"""deploy/env.example, made from the code that reads the environment, so that it never lags behind.

A setting is a call such as `_env.integer("UPLOAD_MAX_BYTES", 20 * GIB, minimum=1)`; what is said of
it is the comment above it, or the comment above its group.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from hub.embedded.config import PROJECT_DIR

SETTINGS = PROJECT_DIR / "hub" / "settings"
FILES = ("base.py", "production.py", "limits.py")
EXAMPLE = PROJECT_DIR / "deploy" / "env.example"
MARK = "# ---- Everything below is made by `manage.py env_example --write` ----\n"
UNPREFIXED = frozenset({"plain", "database"})  # readers of the few variables without our prefix
# Fixed by the images or the compose file, or asked for in the first part of the example.
ELSEWHERE = frozenset(
    {
        *("HOME", "STATIC_ROOT", "ENV", "STORAGE_INTERNAL_PREFIX"),
        *("SECRET_KEY", "ALLOWED_HOSTS", "TRUSTED_ORIGINS"),
    }
)
ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}
SIZES = {"KIB": 1024, "MIB": 1024**2, "GIB": 1024**3}


@dataclass(frozen=True)
class Variable:
    """One variable: its name with prefix, its default as it is written, what is said of it."""

    name: str
    default: str
    comment: str


def variables(file: Path) -> Iterator[Variable]:
    """The variables that a file of settings reads, in its order."""
    source = file.read_text(encoding="utf-8")
    lines = source.splitlines()
    for statement in ast.parse(source).body:
        for call in filter(_is_reader, ast.walk(statement)):
            name = ast.literal_eval(call.args[0])
            if name not in ELSEWHERE:
                comment = _comment_above(lines, statement.lineno - 1)
                yield Variable(f"ATELIER_{name}", _default(call), comment)


def made_part() -> str:
    """The lines below the mark: every setting with its default, commented out."""
    lines, said = [], ""
    for name in FILES:
        for variable in variables(SETTINGS / name):
            if variable.comment and variable.comment != said:
                said = variable.comment
                lines.append(f"\n# {said}")
            lines.append(f"#{variable.name}={variable.default}")
    return "\n".join(lines) + "\n"


def whole() -> str:
    """What the file must hold: its own first part, the mark, the made part."""
    first, _mark, _rest = EXAMPLE.read_text(encoding="utf-8").partition(MARK)
    return first + MARK + made_part()


def _is_reader(node: ast.AST) -> TypeGuard[ast.Call]:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "_env"
        and node.func.attr not in UNPREFIXED
    )


def _default(call: ast.Call) -> str:
    """The default as one would write it into the environment."""
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    node = call.args[1] if len(call.args) > 1 else named.get("default")
    value = _value(node) if node is not None else ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)


def _value(node: ast.expr) -> object:
    """A literal, or arithmetic of numbers and the sizes KIB, MIB, GIB."""
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left), _value(node.right)
        if isinstance(left, int) and isinstance(right, int):
            return ARITHMETIC[type(node.op)](left, right)
    if isinstance(node, ast.Name):
        return SIZES.get(node.id, "")
    return ast.literal_eval(node)


def _comment_above(lines: list[str], index: int) -> str:
    """The comment of the statement's group: lines without a gap, back to the first comment."""
    comment: list[str] = []
    while index > 0 and lines[index - 1].strip():
        index -= 1
        if lines[index].startswith("#"):
            comment.insert(0, lines[index].lstrip("#: "))
        elif comment:
            break
    return " ".join(comment)
