"""Record batches of an even size, out of those that an engine makes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa


def even_batches(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    """The rows of `batches` in batches of `size` rows, the last one smaller. Holds about one batch more than
    it gives."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        while rows + batch.num_rows >= size:
            taken = size - rows
            yield _join([*held, batch.slice(0, taken)])
            batch, held, rows = batch.slice(taken), [], 0
        if batch.num_rows:
            held.append(batch)
            rows += batch.num_rows
    if held:
        yield _join(held)


def _join(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)
