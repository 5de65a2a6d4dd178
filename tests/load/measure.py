"""Measures pages and API answers in this process: server time, queries, and their plans."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

LARGE_ROWS = 20_000


@dataclass(frozen=True)
class Case:
    """Addresses of one kind; the measurement goes through all of them."""

    name: str
    urls: list[str]
    method: str = "get"
    body: Any = None


@dataclass(frozen=True)
class Result:
    """Milliseconds of server time; `scans` names large tables that were read from end to end."""

    name: str
    requests: int
    median_ms: float
    p95_ms: float
    queries: int
    most_queries: int
    scans: list[str] = field(default_factory=list)

    def as_json(self) -> str:
        """Return one line."""
        return json.dumps(asdict(self), ensure_ascii=False)


def measure(case: Case, client: Client) -> Result:
    """Ask for every address of the case; raises AssertionError where one does not answer 200."""
    urls = [_final(client, url) for url in case.urls] if case.method == "get" else case.urls
    times, counts, scans = [], [], set()
    for url in urls:
        begun = time.perf_counter()
        _ask(client, case, url)
        times.append((time.perf_counter() - begun) * 1000)
    for url in urls[:: max(1, len(urls) // 6)]:
        with CaptureQueriesContext(connection) as captured:
            _ask(client, case, url)
        counts.append(len(captured))
        scans |= {table for query in captured for table in large_scans(query["sql"])}
    times.sort()
    return Result(
        name=case.name,
        requests=len(times),
        median_ms=round(times[len(times) // 2], 1),
        p95_ms=round(times[min(len(times) - 1, int(len(times) * 0.95))], 1),
        queries=min(counts),
        most_queries=max(counts),
        scans=sorted(scans),
    )


def _final(client: Client, url: str) -> str:
    """Return where an address leads; asking once also warms the caches, as on a hub in use."""
    chain = getattr(client.get(url, follow=True), "redirect_chain", [])
    return chain[-1][0] if chain else url


def _ask(client: Client, case: Case, url: str) -> None:
    if case.method == "post":
        response = client.post(url, json.dumps(case.body), content_type="application/json")
    else:
        response = client.get(url)
    assert response.status_code == 200, f"{url}: {response.status_code}"


def large_scans(sql: str) -> set[str]:
    """Return the large tables that the plan of a query reads sequentially."""
    if not sql.lstrip().upper().startswith(("SELECT", "WITH", "(SELECT")):
        return set()
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) " + sql.replace("%", "%%"), [])
        (plan,) = cursor.fetchone()
        tree = json.loads(plan) if isinstance(plan, str) else plan
        names = {
            node["Relation Name"]
            for node in _nodes(tree[0]["Plan"])
            if node["Node Type"] == "Seq Scan"
        }
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND reltuples > %s",
            [sorted(names), LARGE_ROWS],
        )
        return {row[0] for row in cursor.fetchall()}


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)
