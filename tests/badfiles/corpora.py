"""The files of public corpora: what each is to be read as, and what the corpus itself says of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_SUFFIXES = {
    ".parquet": "parquet",
    ".orc": "orc",
    ".csv": "csv",
    ".json": "json",
    ".jsn": "json",
}
_PROSE = (".md", ".txt", ".sql", ".py", ".sh", ".yml")


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """`corpus` is the folder that was named. `rows` is how many there are, where the corpus says it; `verdict`
    whether it must be read, or must not."""

    corpus: str
    path: Path
    kind: str
    rows: int | None = None
    verdict: Literal["valid", "broken"] | None = None


def find_files(folders: Sequence[Path]) -> Iterator[CorpusFile]:
    """Every file below the folders that is of a kind which lakeq reads, in the order of their names."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            kind = tell_kind(path) if path.is_file() else None
            if kind is not None:
                yield CorpusFile(folder.name, path, kind, _told_rows(path), _told_verdict(path))


def tell_kind(path: Path) -> str | None:
    """What a file is to be read as, by its name, or else by the folders that it is in."""
    name = path.name.lower().removesuffix(".gz")
    suffix = Path(name).suffix
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if suffix in _PROSE or name.startswith("license"):
        return None
    # Hostile files have names of their finder's making.
    return next((kind for kind in ("parquet", "csv", "orc") if kind in path.parts), None) or (
        "parquet" if suffix == ".encrypted" or "parquet-testing" in path.parts else None
    )


def _told_rows(path: Path) -> int | None:
    """Rows that stand beside the file: `expected/` of ORC, `json/` of csv-spectrum."""
    if path.suffix == ".orc":
        expected = path.parent / "expected" / f"{path.stem}.jsn.gz"
        if expected.exists():
            with gzip.open(expected, "rt") as lines:
                return sum(1 for line in lines if line.strip())
    if path.suffix == ".csv" and path.parent.name == "csvs":
        expected = path.parents[1] / "json" / f"{path.stem}.json"
        if expected.exists():
            rows = json.loads(expected.read_text())
            return len(rows) if isinstance(rows, list) else None
    return None


def _told_verdict(path: Path) -> Literal["valid", "broken"] | None:
    """What JSONTestSuite says by a name: `y_` must be read, `n_` must not."""
    if path.parent.name == "test_parsing":
        verdicts: dict[str, Literal["valid", "broken"]] = {"y_": "valid", "n_": "broken"}
        return verdicts.get(path.name[:2])
    return None
