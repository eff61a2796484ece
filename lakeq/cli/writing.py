"""How rows are got ready to be written: in several threads, and in row groups."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

GROUP_ROWS = 250_000
GROUP_BYTES = 128 * 1024**2
"""A row group is full when it has so many rows, or so many bytes in memory."""
_SAMPLE_ROWS = 65_536

T = TypeVar("T")
R = TypeVar("R")


def work_ahead(work: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """What `work` makes of each item, in their order. It is done in so many threads while the next items are
    waited for; no more than two a thread are held."""
    with ThreadPoolExecutor(threads, thread_name_prefix="lakeq-write") as pool:
        pending: deque[Future[R]] = deque()
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) > 2 * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def gather_groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The rows of the batches in tables of a row group each; no table for no rows."""
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        if batch.num_rows:
            held.append(batch)
            rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= GROUP_ROWS or size >= GROUP_BYTES:
            yield pa.Table.from_batches(held)
            held, rows, size = [], 0, 0
    if held:
        yield pa.Table.from_batches(held)


def choose_dictionaries(rows: pa.Table) -> list[str] | bool:
    """The columns whose values repeat, as far as the first rows tell: those are stored as a dictionary, which
    for others takes half the time of writing and no byte less. True, for all, where columns are nested."""
    if any(pa.types.is_nested(kind) for kind in rows.schema.types):
        return True
    first = rows.slice(0, _SAMPLE_ROWS)
    return [name for name, column in zip(first.column_names, first.columns, strict=True) if _repeats(column)]


def _repeats(column: pa.ChunkedArray) -> bool:
    try:
        return len(pc.unique(column)) * 2 <= len(column)
    except pa.ArrowNotImplementedError:
        return True  # a type that cannot be looked into
