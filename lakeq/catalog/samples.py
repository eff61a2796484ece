"""Whether files belong together: a few of them are opened and their schemas compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from lakeq.catalog.objects import spread
from lakeq.errors import FormatError, StorageError
from lakeq.formats.base import FileSchema, ReadOptions
from lakeq.formats.detect import FORMATS
from lakeq.formats.parquet_keys import ParquetKeys
from lakeq.formats.types import common_type
from lakeq.storage.base import StoredFile

SAMPLE_LIMIT = 64
"""At most this many files are opened to decide whether files belong together."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What opening some files told: whether their schemas agree, in the words of `evidence`."""

    agrees: bool
    evidence: str


def compare_files(files: Sequence[StoredFile], kind: str, keys: ParquetKeys | None = None) -> Comparison:
    """Whether the files, at most SAMPLE_LIMIT of them evenly chosen, hold the same columns in format `kind`.

    Equal sets of names (any case) and types with a common type that is not merely text. The ends are
    opened first: most strangers are told apart by two files. A file that cannot be read proves nothing;
    when fewer than two can, the files do not agree. `keys` open encrypted ones, whose columns are not named:
    evidence is kept with the catalog.
    """
    chosen = spread(files, SAMPLE_LIMIT)
    known: list[tuple[StoredFile, FileSchema]] = []
    options = ReadOptions(extra={"keys": keys})
    ends = {chosen[0].key: chosen[0], chosen[-1].key: chosen[-1]}
    between = [file for file in chosen if file.key not in ends]
    for batch in (list(ends.values()), between):
        opened = chosen[0].store.workers.map(lambda file: _read_schema(file, kind, options), batch)
        for file, schema in zip(batch, opened, strict=True):
            if schema is None:
                continue
            stranger = next((other for other, seen in known if not _same_columns(seen, schema)), None)
            if stranger is not None:
                return Comparison(False, f"columns differ between {stranger.key!r} and {file.key!r}")
            known.append((file, schema))
    if len(known) < 2:
        return Comparison(
            False, f"columns could not be compared: fewer than two of {len(chosen)} files were readable"
        )
    is_encrypted = any(schema.encryption is not None for _, schema in known)
    names = "columns " + ", ".join(column.name for column in known[0][1].columns)
    held = f"{kind} with {'the same columns' if is_encrypted else names}"
    return Comparison(True, f"{held} in {len(known):,} of {len(files):,} files compared")


def _read_schema(file: StoredFile, kind: str, options: ReadOptions) -> FileSchema | None:
    try:
        return FORMATS[kind].inspect(file, options).schema
    except (FormatError, StorageError):
        return None


def _same_columns(left: FileSchema, right: FileSchema) -> bool:
    types = {column.name.casefold(): column.type for column in right.columns}
    if types.keys() != {column.name.casefold() for column in left.columns}:
        return False
    return all(_same_kind(column.type, types[column.name.casefold()]) for column in left.columns)


def _same_kind(left: pa.DataType, right: pa.DataType) -> bool:
    common = common_type(left, right)
    if common is None:
        return False
    both = [kind for kind in (left, right) if not pa.types.is_null(kind)]
    return not pa.types.is_string(common) or all(pa.types.is_string(kind) for kind in both)
