"""Columns of encrypted files whose keys are not there: a query that reads one is refused."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow.compute as pc

from lakeq.catalog.selection import FileSelection
from lakeq.catalog.table import Table
from lakeq.errors import ParquetKeyError
from lakeq.formats.base import Locked
from lakeq.formats.encrypted_footer import describe_lack


def check_keys(table: Table, files: FileSelection, columns: Sequence[str], reads_fields: bool = True) -> None:
    """ParquetKeyError when one of these data columns (dotted paths) cannot be decrypted in one of the files
    that were looked into. A reader that not `reads_fields` reads structs whole."""
    whole = columns if reads_fields else [c.name for path in columns for c in table.columns_at(path)]
    wanted = [column.casefold() for column in whole]
    found = (
        (i, _find_locked(s.encryption.locked, wanted)) for i, s in enumerate(files.schemas) if s.encryption
    )
    locked = {i: column for i, column in found if column is not None}
    if not locked:
        return
    rows = files.to_table()
    for i, column in locked.items():
        at = pc.index(rows["schema_id"], i).as_py()
        if at >= 0:
            path = f"{table.store_root}/{rows['path'][at].as_py()}"
            message = describe_lack(path, f"Its column {column.column!r} is", column)
            raise ParquetKeyError(message, path, column.key, column.column)


def _find_locked(locked: Sequence[Locked], wanted: Sequence[str]) -> Locked | None:
    """The first that is among the columns wanted, or holds one, or lies in one."""
    for column in locked:
        path = column.column.casefold()
        if any(f"{path}.".startswith(f"{w}.") or f"{w}.".startswith(f"{path}.") for w in wanted):
            return column
    return None
