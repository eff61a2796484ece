"""Texts that Arrow has decoded without a look: those of Parquet and ORC, which it takes for UTF-8.

DuckDB takes them so, too, and a query would hand them out, to fail whoever reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds


class CheckedDataset(ds.Dataset):  # type: ignore[misc]  # pyarrow is untyped
    """A dataset whose scans fail at a text that is not UTF-8."""

    def __init__(self, stored: ds.Dataset) -> None:
        self._stored = stored

    @property
    def schema(self) -> pa.Schema:
        """That of the dataset within."""
        return self._stored.schema

    def scanner(self, columns: Any = None, filter: ds.Expression | None = None, **options: Any) -> ds.Scanner:
        """A scan as the dataset within makes it, its texts checked."""
        return check_texts(self._stored.scanner(columns=columns, filter=filter, **options))


def check_texts(scanner: ds.Scanner) -> ds.Scanner:
    """The same rows. Reading a text that is not UTF-8 is a pyarrow.ArrowInvalid, which names its column."""
    schema = scanner.projected_schema
    texts = [field.name for field in schema if holds_text(field.type)]
    if not texts or len(set(schema.names)) < len(schema):
        return scanner
    return ds.Scanner.from_batches(_check_batches(scanner.to_batches(), texts), schema=schema)


def holds_text(type: pa.DataType) -> bool:
    """Whether there are texts in values of this type, however deep."""
    if pa.types.is_nested(type):
        return any(holds_text(type.field(i).type) for i in range(type.num_fields))
    if pa.types.is_dictionary(type):
        return holds_text(type.value_type)
    return bool(pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type))


def _check_batches(batches: Iterable[pa.RecordBatch], texts: list[str]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for name in texts:
            try:
                batch.column(name).validate(full=True)
            except pa.ArrowInvalid as error:
                raise pa.ArrowInvalid(f"column {name!r} holds a text that is not UTF-8 ({error})") from error
        yield batch
