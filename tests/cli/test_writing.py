"""Rows made ready ahead of the file that they go into."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest

from lakeq.cli import writing
from lakeq.cli.writing import choose_dictionaries, gather_groups, work_ahead


@pytest.mark.parametrize("threads", [1, 3])
def test_work_comes_back_in_order_and_little_is_held(threads: int) -> None:
    given, taken = [], 0

    def number() -> Iterator[int]:
        for n in range(100):
            given.append(n)
            assert len(given) - taken <= 2 * threads + 1
            yield n

    for n in work_ahead(lambda n: n * n, number(), threads):
        assert n == taken**2
        taken += 1
    assert taken == 100


def test_items_are_waited_for_while_others_are_worked_on() -> None:
    asked = threading.Event()

    def two() -> Iterator[int]:
        yield 1
        asked.set()
        yield 2

    assert list(work_ahead(lambda n: asked.wait(60) and n, two(), 1)) == [1, 2]


def test_an_error_of_the_work_and_one_of_the_items_are_told() -> None:
    with pytest.raises(ZeroDivisionError):
        list(work_ahead(lambda n: 1 // n, [1, 0], 2))

    def broken() -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(work_ahead(lambda n: n, broken(), 2))


def test_groups_end_at_their_rows_or_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "GROUP_ROWS", 5)
    batch = pa.record_batch({"n": [1, 2]})
    assert [g.num_rows for g in gather_groups([batch] * 4 + [batch.slice(0, 0)])] == [6, 2]
    monkeypatch.setattr(writing, "GROUP_BYTES", 1)
    assert [g.num_rows for g in gather_groups([batch] * 2)] == [2, 2]
    assert list(gather_groups([])) == []


def test_what_repeats_is_a_dictionary() -> None:
    rows = pa.table({"same": [1] * 10, "other": range(10), "text": ["a", None] * 5})
    assert choose_dictionaries(rows) == ["same", "text"]
    assert choose_dictionaries(pa.table({"l": [[1]]})) is True
