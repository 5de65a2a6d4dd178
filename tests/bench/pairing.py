"""Pairs of runs in turns, and the medians of their ratios."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator

from tests.bench.rows import PROGRAMS, Measure, Pair, Result
from tests.bench.running import Run, RunFailedError, run
from tests.bench.trainers import PeerMissingError, Setting


class Turns:
    """Runs every program of some pairs once a round, one after the other."""

    def __init__(self, setting: Setting, *, steps: int, timeout_seconds: float) -> None:
        self._setting = setting
        self._steps = steps
        self._timeout_seconds = timeout_seconds
        self._runs: dict[str, list[Run]] = {}
        self._troubles: dict[str, str] = {}

    def measure(self, pairs: tuple[Pair, ...], rounds: int) -> Iterator[Result]:
        """Run the rounds; yield a result for each measure of each pair."""
        names = list(dict.fromkeys(name for pair in pairs for name in (pair.ours, pair.peer)))
        counted = {p for pair in pairs for m in pair.measures for p in (pair.ours, pair.peer)
                   if "operations" in m.name}  # fmt: skip
        for number in range(rounds):
            for name in names:
                if name not in self._troubles:
                    self._take_turn(name, f"round {number + 1}/{rounds}", count=name in counted)
        for pair in pairs:
            for measure in pair.measures:
                yield self._result(pair, measure)
        for name in sorted({pair.ours for pair in pairs} & counted):
            yield self._syncs(name)

    def _take_turn(self, name: str, turn: str, *, count: bool) -> None:
        sys.stderr.write(f"{self._setting.base.geometry.name}, {turn}: {name}\n")
        try:
            done = run(
                PROGRAMS[name](self._setting),
                steps=self._steps,
                timeout_seconds=self._timeout_seconds,
                count=count,
            )
        except (PeerMissingError, RunFailedError) as error:
            self._troubles[name] = str(error)
            return
        gib = done.peak_bytes / 2**30
        sys.stderr.write(f"    {done.step:.3f} a step, {done.startup:.2f} before, {gib:.2f} GiB\n")
        self._runs.setdefault(name, []).append(done)

    def _result(self, pair: Pair, measure: Measure) -> Result:
        geometry = self._setting.base.geometry.name
        name = f"{geometry} {self._setting.size} px, {pair.ours} / {pair.peer}: {measure.name}"
        limits = {"must": measure.must, "strive": measure.strive}
        trouble = self._troubles.get(pair.ours) or self._troubles.get(pair.peer)
        if trouble:
            return Result(name, note=trouble, **limits)
        mine = [measure.of(done) for done in self._runs[pair.ours]]
        theirs = [measure.of(done) for done in self._runs[pair.peer]]
        ratios = [a / b for a, b in zip(mine, theirs, strict=True)]
        spread = f"{len(ratios)} pairs, {min(ratios):.3f} to {max(ratios):.3f}"
        return Result(
            name,
            ours=statistics.median(mine),
            peer=statistics.median(theirs),
            ratio=statistics.median(ratios),
            note=spread,
            **limits,
        )

    def _syncs(self, name: str) -> Result:
        geometry = self._setting.base.geometry.name
        row = f"{geometry}, {name}: host syncs per step"
        runs = self._runs.get(name, [])
        if not runs:
            return Result(row, must=0, strive=0, note=self._troubles.get(name, ""))
        count = float(max(done.syncs for done in runs))
        return Result(row, ours=count, ratio=count, must=0, strive=0)
