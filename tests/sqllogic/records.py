"""The records of a `.test` file, loops unrolled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ENGINE = "duckdb"
REQUIRED = {"parquet", "json", "icu"}
"""Extensions that are there. A file that requires another ends at that line."""


class ScriptError(ValueError):
    """A script that does not follow the format, with its place."""


@dataclass(frozen=True, slots=True)
class Record:
    """One statement or query. `kind` is `ok`, `error` or the letters of a query's columns; `expected` are the
    lines below `----` (None: there were none), `sort` is `nosort`, `rowsort` or `valuesort`."""

    place: str
    sql: str
    kind: str
    sort: str = "nosort"
    expected: tuple[str, ...] | None = None

    @property
    def is_query(self) -> bool:
        return self.kind not in ("ok", "error")


def read_script(path: Path, names: Mapping[str, str]) -> Iterator[Record]:
    """The records of a file in their order. `names` are what `{NAME}` stands for."""
    lines = path.read_text(encoding="utf-8").splitlines()
    yield from _Script(path.stem, lines).read(0, len(lines), dict(names))


@dataclass(slots=True)
class _Script:
    name: str
    lines: list[str]
    is_skipping: bool = False
    has_ended: bool = False

    def read(self, at: int, end: int, names: dict[str, str]) -> Iterator[Record]:
        """The records between two lines."""
        applies = True
        while at < end and not self.has_ended:
            words = self.lines[at].split("#")[0].split()
            at += 1
            if not words:
                continue
            match words[0]:
                case "loop" | "foreach":
                    close = self._find_end(at)
                    for value in _list_values(words):
                        yield from self.read(at, close, {**names, words[1]: value})
                    at = close + 1
                case "require" | "halt" | "mode":
                    self._obey(words)
                case "skipif" | "onlyif":
                    applies = (words[1] == ENGINE) == (words[0] == "onlyif")
                case "statement" | "query":
                    record, at = self._read_record(words, at, names)
                    if applies and not self.is_skipping:
                        yield record
                    applies = True
                case _:
                    raise ScriptError(f"{self.name}:{at}: {words[0]!r} is not known")

    def _obey(self, words: list[str]) -> None:
        if words[0] == "mode":
            self.is_skipping = words[1] == "skip"
        else:
            self.has_ended = words[0] == "halt" or words[1] not in REQUIRED

    def _read_record(self, words: list[str], at: int, names: dict[str, str]) -> tuple[Record, int]:
        place = f"{self.name}:{at}"
        sql, at = self._read_until(at, ("", "----"))
        expected = None
        if at < len(self.lines) and self.lines[at] == "----":
            rows, at = self._read_until(at + 1, ("",))
            expected = tuple(_fill(row, names) for row in rows)
        sort = words[2] if words[0] == "query" and len(words) > 2 else "nosort"
        return Record(place, _fill("\n".join(sql), names), words[1], sort, expected), at

    def _read_until(self, at: int, ends: tuple[str, ...]) -> tuple[list[str], int]:
        start = at
        while at < len(self.lines) and self.lines[at].strip() not in ends:
            at += 1
        return self.lines[start:at], at

    def _find_end(self, at: int) -> int:
        """The line of the `endloop` that closes a loop which begins before `at`."""
        depth = 1
        for number in range(at, len(self.lines)):
            word = self.lines[number].split(" ")[0]
            depth += (word in ("loop", "foreach")) - (word == "endloop")
            if depth == 0:
                return number
        raise ScriptError(f"{self.name}:{at}: a loop without an end")


def _list_values(words: list[str]) -> list[str]:
    return list(map(str, range(int(words[2]), int(words[3])))) if words[0] == "loop" else words[2:]


def _fill(text: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"${{{name}}}", value).replace(f"{{{name}}}", value)
        text = text.replace(f"__{name}__", value)
    return text
