"""The formats there are, and which of them a file is in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType

from lakeq.errors import FormatError
from lakeq.formats.base import Format, Source
from lakeq.formats.csv import CsvFormat, read_rows, sniff_delimiter
from lakeq.formats.head import decode_head, read_head
from lakeq.formats.json import JsonFormat
from lakeq.formats.orc import OrcFormat
from lakeq.formats.parquet import ParquetFormat

FORMATS: Mapping[str, Format] = MappingProxyType(
    {format.name: format for format in (ParquetFormat(), OrcFormat(), CsvFormat(), JsonFormat())}
)
"""Every format that lakeq reads, by name."""

_EXTENSIONS = {
    **dict.fromkeys((".parquet", ".pq", ".parq"), "parquet"),
    ".orc": "orc",
    **dict.fromkeys((".csv", ".tsv", ".psv", ".tab"), "csv"),
    **dict.fromkeys((".json", ".ndjson", ".jsonl"), "json"),
}
_COMPRESSED = re.compile(r"\.(?:gz|gzip|zst|zstd)$")
_PROSE = (".md", ".rst", ".html", ".htm", ".xml", ".yaml", ".yml", ".toml", ".ini", ".py", ".sql", ".sh")
_JSON_START = re.compile(r'\s*(?:\{\s*["}]|\[\s*[{\]])')
_SNIFF_BYTES = 16 * 1024


def guess_format(path: str) -> str | None:
    """The format that the name of a file tells, without reading it; None when it tells none.

    Compression endings of text formats are looked through (`x.csv.gz`); a `x.parquet.gz` tells nothing.
    """
    name = path.rsplit("/", 1)[-1].lower()
    stem, compressions = _COMPRESSED.subn("", name)
    format = _EXTENSIONS.get(PurePosixPath(stem).suffix)
    return None if compressions and format in ("parquet", "orc") else format


def detect_format(source: Source) -> str | None:
    """The format of a file by its content, and by its name where text could be either.

    None for what is no table: HTML, images, archives, prose. A file that begins as Parquet or ORC is
    called so even if its end is missing, so that reading it says what is wrong.
    """
    start = source.read(0, min(4, source.size))
    if start == b"PAR1" or start == b"PARE":
        return "parquet"
    if start[:3] == b"ORC" and _ends_as_orc(source):
        return "orc"
    try:
        head = read_head(source, _SNIFF_BYTES)
        text = decode_head(head, source.path)
    except FormatError:
        return None
    if _JSON_START.match(text):
        return "json"
    named = guess_format(source.path)
    if named in ("csv", "json"):
        return named
    is_prose = PurePosixPath(_COMPRESSED.sub("", source.path.lower())).suffix in _PROSE
    return "csv" if not is_prose and _is_delimited(text, source.path, is_whole=head.is_whole) else None


def _ends_as_orc(source: Source) -> bool:
    # Version 0.11 ends without the magic; then the name must tell.
    tail = source.read(source.size - 4, 4)
    return tail[:3] == b"ORC" or guess_format(source.path) == "orc"


def _is_delimited(text: str, path: str, *, is_whole: bool) -> bool:
    """Whether the text has two rows or more, all of one number of cells above one."""
    delimiter = sniff_delimiter(text)
    if delimiter is None:
        return False
    try:
        return len(read_rows(text, delimiter, '"', path, is_whole=is_whole)) >= 2
    except FormatError:
        return False
