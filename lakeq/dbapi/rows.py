"""The rows of one query, handed out once: as tuples, as record batches, or first these and then those."""

from __future__ import annotations

import pyarrow as pa

from lakeq.dbapi.types import Description, Row, describe_column, make_rows
from lakeq.engines.results import BATCH_ROWS
from lakeq.result import Result

CONVERTED_ROWS = 2048
"""Rows that are made Python values at a time; beside them one record batch is held."""


class RowStream:
    """What is left of a Result's rows. Starts the query; one thread at a time."""

    def __init__(self, result: Result) -> None:
        self.schema = result.schema
        self.description: tuple[Description, ...] = tuple(map(describe_column, self.schema))
        self.position = 0
        """How many rows were handed out."""
        self.total = -1
        """How many rows there are; -1 until the last was read."""
        self._batches = result.batches()
        self._read = 0
        self._piece, self._rows, self._next = None, list[Row](), 0  # a piece and its rows, from _next on
        self._rest: pa.RecordBatch | None = None  # of the batch that the piece was cut from
        self._ahead: pa.RecordBatch | None = None

    def take_rows(self, most: int | None = None) -> list[Row]:
        """The next rows, fewer than `most` only where no more are left; all without it."""
        taken: list[Row] = []
        while most is None or len(taken) < most:
            if self._next == len(self._rows) and not self._convert():
                break
            end = None if most is None else self._next + most - len(taken)
            taken += self._rows[self._next : end]
            self._next = len(self._rows) if end is None else min(end, len(self._rows))
        self.position += len(taken)
        return taken

    def take_batch(self) -> pa.RecordBatch | None:
        """The next rows as Arrow has them; None at the end."""
        if self._piece is not None and self._next < len(self._rows):
            batch = self._piece.slice(self._next)
            self._piece, self._rows, self._next = None, [], 0
        else:
            batch = self._take_whole()
        self.position += batch.num_rows if batch is not None else 0
        return batch

    def _convert(self) -> bool:
        """Make the next piece's rows; False where there is none."""
        batch = self._take_whole()
        if batch is None:
            return False
        self._piece, self._rest = batch.slice(0, CONVERTED_ROWS), batch.slice(CONVERTED_ROWS)
        self._rows, self._next = make_rows(self._piece), 0
        return True

    def _take_whole(self) -> pa.RecordBatch | None:
        """What is left of the batch at hand, else the next.

        One that is not full is most likely the last. Then the end is looked at as well, so that a client who
        stops at the last row has read all, and the query is done.
        """
        if self._rest is not None and self._rest.num_rows:
            batch, self._rest = self._rest, None
            return batch
        batch, self._ahead = self._ahead, None
        if batch is None:
            batch = self._read_batch()
        if batch is not None and batch.num_rows < BATCH_ROWS:
            self._ahead = self._read_batch()
        return batch

    def _read_batch(self) -> pa.RecordBatch | None:
        """The next batch that has rows."""
        for batch in self._batches:
            if batch.num_rows:
                self._read += batch.num_rows
                return batch
        self.total = self._read
        return None
