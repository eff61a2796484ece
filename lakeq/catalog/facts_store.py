"""FactStore: what footers and heads told, kept between runs in Parquet files below one folder.

A table has a folder of its own, and in it a file for each kind of row-group columns. A file is written
whole and renamed into place, so readers need no lock; writers of a table take turns. A fact belongs to one
version (path, etag, size) of a file, so what is lost or left over costs work, never an answer.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.facts_file import decode_examples, decode_facts, encode_facts
from lakeq.catalog.index import FileIndex
from lakeq.catalog.known_facts import KnownFacts, find_versions, keep_rows, unite_facts
from lakeq.catalog.selection import FileSelection
from lakeq.catalog.whole_files import UNFINISHED, replace_file
from lakeq.errors import CatalogError
from lakeq.formats.base import FileSchema
from lakeq.storage.locks import locked

_TABLES, _PARTS, _LOCK = "facts-*", "*.parquet", "lock"


@dataclass(frozen=True, slots=True)
class RecalledFacts:
    """How many files became known, and their schemas, each with the first path that has it, in the order of
    these paths."""

    files: int = 0
    schemas: dict[FileSchema, str] = field(default_factory=dict)


class FactStore:
    """Facts of the files of many tables. Safe for several threads and processes at once.

    A `table_key` names a table and all else that decides what its files tell: the store's root, the format
    and the declared options. It is not written anywhere.
    """

    def __init__(self, folder: Path | None) -> None:
        """`folder` is made when there is something to keep, for its owner alone; None remembers nothing."""
        self._folder = folder

    def recall(self, table_key: str, index: FileIndex, selection: FileSelection) -> RecalledFacts:
        """Tell `index` what is known of those of these files that were not inspected yet."""
        folder = self._table_folder(table_key)
        unread = index.read_uninspected(selection) if folder is not None else None
        count, schemas = 0, dict[FileSchema, str]()
        for part in _list_parts(folder):
            if unread is None or not unread.num_rows:
                break
            facts = _read_part(part, unread["path"].combine_chunks())
            if facts is None:
                continue
            places = find_versions(facts.rows, unread)
            taken, found = keep_rows(facts, places >= 0), places[places >= 0]
            index.import_facts(unread["file_id"].to_numpy()[found], taken)
            is_left = np.ones(unread.num_rows, dtype=bool)
            is_left[found] = False
            count += unread.num_rows - int(is_left.sum())
            _merge_examples(schemas, taken.examples())
            unread = unread.filter(pa.array(is_left))
        return RecalledFacts(count, _sort_examples(schemas))

    def remember(self, table_key: str, index: FileIndex | None, versions: pa.Table | None = None) -> None:
        """Keep what `index` learned by inspection since it was made, or since the last call.

        `versions` (VERSION of known_facts) are all files of the table: what is known of others is forgotten.
        Where the folder cannot be written, nothing is kept, and the index still counts as having learned it.
        """
        folder = self._table_folder(table_key)
        learned = pa.array([], pa.int32()) if index is None else index.learned()
        if folder is None or not (len(learned) or (versions is not None and folder.exists())):
            return
        facts = index.export_facts(learned) if index is not None else []
        with suppress(OSError):
            if facts:
                folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder.mkdir(mode=0o700, exist_ok=True)
            elif not folder.exists():
                return
            with locked(folder / _LOCK):
                _merge_parts(folder, facts, versions)
            if index is not None:
                index.mark_remembered(learned)

    def schemas(self, table_key: str) -> dict[FileSchema, str]:
        """The schemas of all files of the table that are known, listed now or not, each with the first path
        that has it, in the order of these paths."""
        schemas: dict[FileSchema, str] = {}
        for part in _list_parts(self._table_folder(table_key)):
            with suppress(OSError):
                _merge_examples(schemas, decode_examples(part.read_bytes()))
        return _sort_examples(schemas)

    def usage(self) -> tuple[int, int]:
        """How many files the store takes, and their bytes."""
        sizes = []
        for part in self._folder.glob(f"{_TABLES}/{_PARTS}") if self._folder is not None else ():
            with suppress(OSError):
                sizes.append(part.stat().st_size)
        return len(sizes), sum(sizes)

    def clear(self) -> None:
        """Forget everything. CatalogError when the files cannot be removed."""
        for folder in self._folder.glob(_TABLES) if self._folder is not None else ():
            try:
                with locked(folder / _LOCK):
                    for path in (*folder.glob(_PARTS), *folder.glob(UNFINISHED), folder / _LOCK):
                        path.unlink(missing_ok=True)
            except FileNotFoundError:  # another process clears it too
                continue
            except OSError as error:
                raise CatalogError(
                    f"What is known of files cannot be removed: {error}. Remove the folder {folder}"
                ) from error
            with suppress(OSError):  # another process began to fill it anew
                folder.rmdir()

    def _table_folder(self, table_key: str) -> Path | None:
        return (
            None if self._folder is None else self._folder / _TABLES.replace("*", _hash(table_key.encode()))
        )


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _part_name(facts: KnownFacts) -> str:
    return _PARTS.replace("*", _hash(facts.rows.schema.serialize().to_pybytes()))


def _list_parts(folder: Path | None) -> list[Path]:
    return sorted(folder.glob(_PARTS)) if folder is not None else []


def _read_part(path: Path, paths: pa.Array | None = None) -> KnownFacts | None:
    with suppress(OSError):
        return decode_facts(path.read_bytes(), paths)
    return None


def _merge_examples(into: dict[FileSchema, str], more: dict[FileSchema, str]) -> None:
    for schema, path in more.items():
        into[schema] = min(path, into.get(schema, path))


def _sort_examples(schemas: dict[FileSchema, str]) -> dict[FileSchema, str]:
    return dict(sorted(schemas.items(), key=lambda item: item[1]))


def _merge_parts(folder: Path, learned: list[KnownFacts], versions: pa.Table | None) -> None:
    """Write what was learned beside what is kept: all but other facts of the same paths, and, where the
    `versions` of the whole table are given, facts of what is not among them."""
    for path in folder.glob(UNFINISHED):  # of a writer that was killed, for it held the lock
        path.unlink(missing_ok=True)
    fresh: dict[str, list[KnownFacts]] = {}
    for facts in learned:
        fresh.setdefault(_part_name(facts), []).append(facts)
    replaced = pa.chunked_array([chunk for f in learned for chunk in f.rows["path"].chunks], pa.string())
    for name in sorted({part.name for part in _list_parts(folder)} | set(fresh)):
        stored = _read_part(folder / name)
        kept = stored
        if stored is not None:
            is_kept = ~pc.is_in(stored.rows["path"], value_set=replaced).to_numpy()
            if versions is not None:
                is_kept &= find_versions(stored.rows, versions) >= 0
            kept = keep_rows(stored, is_kept)
            if kept is stored and name not in fresh:
                continue
        united = [f for f in (kept, *fresh.get(name, ())) if f is not None and f.rows.num_rows]
        if united:
            replace_file(folder / name, encode_facts(unite_facts(united)))
        else:
            (folder / name).unlink(missing_ok=True)
