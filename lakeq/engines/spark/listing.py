"""The planned files as a folder that Spark takes for a table without listing anything.

Spark reads a folder that a stream has written by the list of files in its `_spark_metadata`, and asks the
store for nothing else: the documented format of its file sink, a line of JSON for each file. A folder with
only such a list is enough, wherever the files lie, so that paths, sizes and times are all as planned.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from lakeq.errors import EngineError

_BLOCK_BYTES = 128 << 20


def write_listing(folder: Path, names: Iterable[str], files: pa.Table) -> None:
    """Write the list of `files`, rows of FileSelection.to_table(), by their `names` for Spark."""
    columns = (files["size"].to_pylist(), files["modified"].cast(pa.int64()).to_pylist())
    lines = ["v1"]
    for name, size, modified in zip(names, *columns, strict=True):
        described = {
            "path": name,
            "size": size,
            "isDir": False,
            "modificationTime": (modified or 0) // 1000,
            "blockReplication": 1,
            "blockSize": _BLOCK_BYTES,
            "action": "add",
        }
        lines.append(json.dumps(described))
    log = folder / "_spark_metadata"
    with written_for_spark():
        log.mkdir(parents=True)
        (log / "0").write_text("\n".join(lines), encoding="utf-8")


@contextmanager
def written_for_spark() -> Iterator[None]:
    """What the disk has against a file that is written for Spark as an EngineError."""
    try:
        yield
    except OSError as error:
        raise EngineError(
            f"The list of files for Spark cannot be written: {error.strerror or error}. Free space in the "
            "folder for temporary files, or name another in TMPDIR.",
            "spark",
        ) from error
