"""What is asked of the table, and the answers over any state of its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from lakeq.lake import Lake
from tests.faults.lake import Version, value_at
from tests.interleavings.world import TABLE, State

Rows = list[tuple[Any, ...]]
VIEW = "evens"
VIEW_SQL = f"SELECT p, x FROM {TABLE} WHERE x % 2 = 0"


Ask = Callable[[Lake, Callable[[], None], int | None], Rows]


@dataclass(frozen=True, slots=True)
class Question:
    """`ask` gives sorted rows, within a limit, and calls its second argument wherever the lake may change
    meanwhile; `answer` is what they are over some files."""

    name: str
    ask: Ask
    answer: Callable[[State], Rows]


def _ask_sql(sql: str, streams: bool = False) -> Ask:
    def ask(lake: Lake, reach: Callable[[], None], max_bytes: int | None) -> Rows:
        result = lake.sql(sql, max_bytes=max_bytes)
        reach()
        if not streams:
            return sorted(result.fetchall())
        rows: Rows = []
        for batch in result.batches():
            reach()
            rows += [tuple(row.values()) for row in batch.to_pylist()]
        return sorted(rows)

    return ask


def _ask_frame(lake: Lake, reach: Callable[[], None], max_bytes: int | None) -> Rows:
    rows: Rows = []
    for batch in lake.table(TABLE).to_batches(["p", "x"], batch_size=500, max_bytes=max_bytes):
        reach()
        rows += [tuple(row.values()) for row in batch.to_pylist()]
    return sorted(rows)


@cache
def _xs(version: Version) -> tuple[int, ...]:
    return tuple(value_at(n) + version.shift for n in range(version.rows))


def _by_p(state: State, *, above: int = 0) -> Mapping[int, list[int]]:
    found: dict[int, list[int]] = {}
    for path, version in state.items():
        p = int(path.removeprefix("p=").partition("/")[0])
        if p > above and version.rows:
            found.setdefault(p, []).extend(_xs(version))
    return found


def _sums(state: State, *, above: int = 0) -> Rows:
    return sorted((p, len(xs), sum(xs)) for p, xs in _by_p(state, above=above).items())


def _total(state: State) -> Rows:
    found = [x for xs in _by_p(state).values() for x in xs]
    return [(len(found), max(found, default=None))]


def _joined(state: State) -> Rows:
    pairs = sum(n * n for p, xs in _by_p(state).items() for n in Counter(xs).values())
    return [(pairs,)]


def _evens(state: State) -> Rows:
    counts = {p: sum(x % 2 == 0 for x in xs) for p, xs in _by_p(state).items()}
    return sorted((p, n) for p, n in counts.items() if n)


def _rows(state: State) -> Rows:
    return sorted((p, x) for p, xs in _by_p(state).items() for x in xs)


def _texts(state: State) -> Rows:
    return sorted((p, max(f"{x:0400}" for x in xs)) for p, xs in _by_p(state).items())


QUESTIONS = (
    Question("sums", _ask_sql(f"SELECT p, count(*), sum(x) FROM {TABLE} GROUP BY p"), _sums),
    Question("texts", _ask_sql(f"SELECT p, max(s) FROM {TABLE} GROUP BY p"), _texts),
    Question("total", _ask_sql(f"SELECT count(*), max(x) FROM {TABLE}"), _total),
    Question(
        "pruned",
        _ask_sql(f"SELECT p, count(*), sum(x) FROM {TABLE} WHERE p > 1 GROUP BY p"),
        lambda state: _sums(state, above=1),
    ),
    Question(
        "counts",
        _ask_sql(f"SELECT p, count(*) FROM {TABLE} GROUP BY p"),
        lambda state: [row[:2] for row in _sums(state)],
    ),
    Question("self-join", _ask_sql(f"SELECT count(*) FROM {TABLE} a JOIN {TABLE} b USING (p, x)"), _joined),
    Question("view", _ask_sql(f"SELECT p, count(*) FROM {VIEW} GROUP BY p"), _evens),
    Question("clock", _ask_sql(f"SELECT p, x FROM {TABLE} WHERE now() > DATE '2000-01-01'"), _rows),
    Question("stream", _ask_sql(f"SELECT p, x FROM {TABLE}", streams=True), _rows),
    Question("frame", _ask_frame, _rows),
)
