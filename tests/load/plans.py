"""Plans of the queries: which large tables are read from end to end, and what each shape costs.

Whether a table is, the names of a plan's nodes do not tell: PostgreSQL may walk through a whole
index instead, and a LIMIT may end such a walk early or not at all. So queries are run with EXPLAIN
ANALYZE, and the rows that a scan went through are counted.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.db import connection

LARGE_ROWS = 20_000
LITERALS = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")
#: What a request told PostgreSQL for some of its queries; said again before their plans are made.
SETTING = "SELECT set_config("
#: A scan that goes through this share of a large table reads it from end to end.
WHOLE_SHARE = 0.5
PASSED = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
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
        """Large tables that this query reads from end to end; plans depend on the values, too."""
        if sql.startswith(SETTING):
            _take_over(sql)
            return set()
        if not sql.lstrip().upper().startswith(("SELECT", "WITH", "(SELECT")):
            return set()
        shape = LISTS.sub("(?)", LITERALS.sub("?", sql))
        found = set(read_whole(_plan(sql), self._large))
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


def _take_over(setting: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(setting.replace(", true)", ", false)"))  # no longer for one transaction only


def _plan(sql: str) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + sql.replace("%", "%%"), [])
        (plan,) = cursor.fetchone()
    tree = json.loads(plan) if isinstance(plan, str) else plan
    root: dict[str, Any] = tree[0]["Plan"]
    return root


def read_whole(node: dict[str, Any], rows: Mapping[str, float]) -> Iterator[str]:
    """Tables of `rows` that a scan at or below this node of a plan goes through as a whole."""
    table, loops = node.get("Relation Name", ""), node["Actual Loops"]
    passed = sum(node.get(name, 0) for name in PASSED) * loops
    if table in rows and (
        (loops and node["Node Type"] == "Seq Scan") or passed >= WHOLE_SHARE * rows[table]
    ):
        yield table
    for child in node.get("Plans", []):
        yield from read_whole(child, rows)


def _large_tables() -> dict[str, float]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reltuples FROM pg_class WHERE relkind = 'r' AND reltuples > %s",
            [LARGE_ROWS],
        )
        return dict(cursor.fetchall())
