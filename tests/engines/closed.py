"""What the tests of closed doors share: canaries outside of a lake, and DuckDB's functions, judged by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

INSIDE = "CANARYINSIDE"
"""Stands in each canary file."""

NAME = "CANARYNAME"
"""Stands in the name of each canary file."""

VARIABLE, VALUE = "LAKEQ_CANARY", "CANARYVALUE"
"""An environment variable, and what it holds."""

_COLLATION = re.compile(r"(icu_)?collate_\w+")


@dataclass(frozen=True)
class Canaries:
    """Files outside of a lake, by suffix."""

    folder: Path
    files: dict[str, Path]

    @property
    def arguments(self) -> list[str]:
        """Texts that a function which reads could take."""
        files = [str(path) for path in self.files.values()]
        queries = [f"FROM read_text('{path}')" for path in files[:1]]
        return [*files, f"{self.folder}/*", f"file://{files[0]}", *queries, VARIABLE]


def make_canaries(folder: Path) -> Canaries:
    """One canary in each format that DuckDB reads by itself."""
    folder.mkdir()
    files = {kind: folder / f"{NAME}.{kind}" for kind in ("csv", "json", "parquet", "duckdb")}
    files["csv"].write_text(f"a\n{INSIDE}\n")
    files["json"].write_text(f'{{"a": "{INSIDE}"}}\n')
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT '{INSIDE}' AS {INSIDE}) TO '{files['parquet']}'")
        connection.execute(f"ATTACH '{files['duckdb']}' AS d; CREATE TABLE d.t AS SELECT '{INSIDE}' AS a")
    return Canaries(folder, files)


def read_sections() -> dict[str, set[str]]:
    """The names of functions in duckdb_functions.txt by the heading they stand under."""
    sections: dict[str, set[str]] = {}
    names: set[str] = set()
    for line in (Path(__file__).parent / "duckdb_functions.txt").read_text().splitlines():
        if line.startswith("["):
            names = sections.setdefault(line[1:-1], set())
        elif not line.startswith("# "):
            names.update(line.split())
    return sections


def list_functions() -> dict[str, set[str]]:
    """The types (scalar, table, …) of each function of this DuckDB, collations apart."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT function_name, list(DISTINCT function_type) FROM duckdb_functions() GROUP BY 1"
        ).fetchall()
    return {name.replace(" ", "_"): set(kinds) for name, kinds in rows if not _COLLATION.fullmatch(name)}
