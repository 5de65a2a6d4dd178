"""Plans of the queries: which large tables are read from end to end, and what each shape costs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import connection

LARGE_ROWS = 20_000
LITERALS = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")
LISTS = re.compile(r"\(\?(?:, \?)+\)")


class PlanBook:
    """Remembers each shape of query (its text without values), so that every one is looked at.

    With a file, EXPLAIN (ANALYZE, BUFFERS) of every shape is written there.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self._shapes: dict[str, set[str]] = {}
        self._large = _large_tables()

    def scans_of(self, sql: str, asked: str) -> set[str]:
        """Large tables that this query reads sequentially; a plan depends on the values, too."""
        if not sql.lstrip().upper().startswith(("SELECT", "WITH", "(SELECT")):
            return set()
        shape = LISTS.sub("(?)", LITERALS.sub("?", sql))
        found = self._large & set(_scanned(_plan(sql)))
        if shape not in self._shapes or found - self._shapes[shape]:
            self._shapes.setdefault(shape, set()).update(found)
            self._write(sql, asked, found)
        return found

    def _write(self, sql: str, asked: str, found: set[str]) -> None:
        if self.file is None:
            return
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + sql.replace("%", "%%"), [])
            lines = [row[0] for row in cursor.fetchall()]
        mark = f" -- READS ALL OF {', '.join(sorted(found))}" if found else ""
        with self.file.open("a", encoding="utf-8") as book:
            book.write("\n".join([f"## {asked}{mark}", sql, *lines, "", ""]))


def _plan(sql: str) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) " + sql.replace("%", "%%"), [])
        (plan,) = cursor.fetchone()
    tree = json.loads(plan) if isinstance(plan, str) else plan
    root: dict[str, Any] = tree[0]["Plan"]
    return root


def _scanned(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for child in node.get("Plans", []):
        yield from _scanned(child)


def _large_tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > %s", [LARGE_ROWS]
        )
        return {row[0] for row in cursor.fetchall()}
