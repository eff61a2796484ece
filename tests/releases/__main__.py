"""`python -m tests.releases`: write what this release leaves on disk to tests/data/releases/VERSION/."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

import lakeq
from tests.releases.golden import BUCKET, QUERIES, RELEASES, VIEW_QUERY, open_bucket

DEFINITION = f"""location = "{BUCKET}"

[tables.lines]
layout = "{{year:int}}/{{month:int}}/"

[views]
recent = "SELECT * FROM events WHERE p = 2"

[limits]
max_bytes = "1GB"
"""


def main() -> int:
    """Write lake, definition, catalog, history and answers."""
    release = RELEASES / lakeq.__version__
    if release.exists():
        sys.stderr.write(f"{release} is there already: what a release wrote does not change.\n")
        return 1
    _write_lake(release / BUCKET)
    (release / "lakeq.toml").write_text(DEFINITION)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEQ_DATA_DIR", str(release))
        patch.setenv("LOGNAME", "golden")
        with open_bucket(release, release / "cache", history=True) as lake:
            lake.refresh()
            answers = {sql: lake.sql(sql).fetchall() for sql in QUERIES}
        with lakeq.connect(release / "lakeq.toml", history=False) as lake:
            answers[VIEW_QUERY] = lake.sql(VIEW_QUERY).fetchall()
    (release / "answers.json").write_text(json.dumps(answers, indent=1) + "\n")
    for lock in release.rglob("*lock"):
        lock.unlink()
    shutil.rmtree(release / "cache" / "blocks", ignore_errors=True)
    return 0


def _write_lake(root: Path) -> None:
    for p in (1, 2):
        rows = pa.table({"x": [p * 10 + n for n in range(12)], "s": [f"{p}-{n}" for n in range(12)]})
        for folder in (f"events/p={p}", f"stripes/p={p}", f"lines/2026/{p:02}"):
            (root / folder).mkdir(parents=True)
        pq.write_table(rows, root / f"events/p={p}/f.parquet", row_group_size=5)
        orc.write_table(rows, str(root / f"stripes/p={p}/f.orc"))
        lines = ["x,s", *(f"{x},{s}" for x, s in zip(*rows.to_pydict().values(), strict=True))]
        (root / f"lines/2026/{p:02}/f.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
