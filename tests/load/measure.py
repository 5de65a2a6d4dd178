"""Measures pages and API answers in this process: server time, queries, and their plans."""

import gc
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from hub.accounts.models import User
from tests.load.plans import PlanBook

MUST_MS = 100.0


@dataclass(frozen=True)
class Ask:
    """One request: GET an address, or POST `body` as JSON; by the person named, or by nobody.

    `is_partial` asks as htmx does, for a part of a page.
    """

    url: str
    person: str = ""
    body: Any = None
    is_partial: bool = False


@dataclass(frozen=True)
class Case:
    """Requests of one kind. `pair` asks for few rows and for many, with the same query count."""

    name: str
    asks: Sequence[Ask]
    pair: tuple[Ask, Ask] | None = None


@dataclass(frozen=True)
class Result:
    """What a case took; times in milliseconds.

    `cpu_p95_ms` is processor time of this process and of its database connection: on a machine that
    does other things at the same time it says what the wall clock cannot. `scans` names large
    tables that were read from end to end; `grows` tells that more rows took more queries.
    """

    name: str
    requests: int
    p50_ms: float
    p95_ms: float
    cpu_p95_ms: float
    queries: int
    must_ms: float
    grows: bool
    slowest: str
    scans: list[str] = field(default_factory=list)

    @property
    def is_met(self) -> bool:
        """Whether every goal is."""
        return self.p95_ms <= self.must_ms and not self.scans and not self.grows

    def as_json(self) -> str:
        """Return one line."""
        return json.dumps(vars(self) | {"met": self.is_met}, ensure_ascii=False)


class Meter:
    """Asks as browsers and programs do, and watches the clock, the queries and their plans."""

    def __init__(self, plans: PlanBook) -> None:
        self.plans = plans
        self._clients = {"": Client()}
        self._backend = _backend_pid()

    def measure(self, case: Case) -> Result:
        """Ask for everything of the case twice; the second time counts, as on a hub in use.

        Raises AssertionError where something does not answer 200.
        """
        counts, scans = [], set()
        for ask in case.asks:
            count, found = self._watched(ask)
            counts.append(count)
            scans |= found
        # As hub.asgi does at its start: a server's collector does not walk what start-up made.
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 10)
        timed = [(*self._timed(ask), ask.url) for ask in case.asks]
        walls = sorted(wall for wall, _cpu, _url in timed)
        return Result(
            name=case.name,
            requests=len(timed),
            p50_ms=round(walls[len(walls) // 2], 1),
            p95_ms=round(_p95(walls), 1),
            cpu_p95_ms=round(_p95(sorted(cpu for _wall, cpu, _url in timed)), 1),
            queries=max(counts),
            must_ms=MUST_MS,
            grows=bool(case.pair) and self._grows(*case.pair),
            slowest=max(timed)[2],
            scans=sorted(scans),
        )

    def _timed(self, ask: Ask) -> tuple[float, float]:
        """Wall time and processor time of one request, in milliseconds."""
        cpu, wall = self._cpu_seconds(), time.perf_counter()
        self._ask(ask)
        spent = time.perf_counter() - wall
        return spent * 1000, (self._cpu_seconds() - cpu) * 1000

    def _watched(self, ask: Ask) -> tuple[int, set[str]]:
        """Number of queries, and large tables that one of them reads from end to end."""
        self._client(ask.person)  # signing in is not part of the request
        with CaptureQueriesContext(connection) as captured:
            self._ask(ask)
        queries = [query["sql"] for query in captured]
        return len(queries), set().union(*(self.plans.scans_of(sql, ask.url) for sql in queries))

    def _grows(self, few: Ask, many: Ask) -> bool:
        self._ask(many)  # so that of both the same is known already
        self._ask(few)
        return self._watched(few)[0] != self._watched(many)[0]

    def _ask(self, ask: Ask) -> None:
        client = self._client(ask.person)
        if ask.body is not None:
            response = client.post(ask.url, json.dumps(ask.body), content_type="application/json")
        else:
            response = client.get(ask.url, headers={"HX-Request": "true"} if ask.is_partial else {})
        assert response.status_code == 200, f"{ask.url}: {response.status_code}"

    def _client(self, person: str) -> Client:
        if person not in self._clients:
            self._clients[person] = Client()
            self._clients[person].force_login(
                User.objects.get(username=person), "django.contrib.auth.backends.ModelBackend"
            )
        return self._clients[person]

    def _cpu_seconds(self) -> float:
        schedstat = Path(f"/proc/{self._backend}/schedstat").read_text()  # nanoseconds first
        return time.process_time() + int(schedstat.split()[0]) / 1e9


def _backend_pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _p95(ordered: list[float]) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
