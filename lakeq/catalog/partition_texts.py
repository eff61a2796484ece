"""Partition texts: what the paths of a table say for each of its keys, before it has a type.

Paths are split on distinct directories and distinct folder names, never file by file, so that a million
paths take a few seconds. The rules are those of Spark and Hive; docs/catalog.md lists them.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.hive_names import NULL_TEXT, unescape_hive
from lakeq.catalog.layout import Layout, TemplateSegment, hive_layout, template_segments
from lakeq.errors import PartitionLayoutError

Codes = npt.NDArray[np.int64]

_PART_ROWS = 128 * 1024


@dataclass(frozen=True, slots=True)
class RawPartitions:
    """The layout with its keys settled and, for each key, the decoded text of every path (null: NULL)."""

    layout: Layout
    texts: tuple[pa.Array, ...]


@dataclass(frozen=True, slots=True)
class FolderNames:
    """The distinct directories of some paths, and the names of the folders in each.

    `directory` numbers the directory of every path; `code` numbers the name of every folder of every
    directory; the folders of directory i are `code[offsets[i]:offsets[i + 1]]`.
    """

    paths: pa.Array
    directories: pa.Array
    directory: Codes
    names: list[str]
    code: Codes
    offsets: Codes

    @property
    def depths(self) -> Codes:
        """How many folders deep each directory is; the root counts as one folder without a name."""
        return np.diff(self.offsets)

    @property
    def owners(self) -> Codes:
        """The directory of every entry of `code`."""
        return np.repeat(np.arange(len(self.directories)), self.depths)

    def path_with(self, code: int) -> str:
        """The first path that has a folder with this name."""
        position = int(np.flatnonzero(self.code == code)[0])
        return self.path_in(int(np.searchsorted(self.offsets, position, side="right")) - 1)

    def path_in(self, number: int) -> str:
        """The first path in this directory."""
        return str(self.paths[int(np.argmax(self.directory == number))])


def split_directories(paths: pa.Array) -> pa.DictionaryArray:
    """The directory of each path: "" for the root, else the path up to and with its last slash."""
    # A part at a time: what is needed on the way is several times the paths.
    starts = range(0, len(paths), _PART_ROWS) or (0,)
    parts = pa.chunked_array([_split_part(paths.slice(at, _PART_ROWS)) for at in starts])
    return parts.unify_dictionaries().combine_chunks()


def _split_part(paths: pa.Array) -> pa.DictionaryArray:
    rooted = pc.binary_join_element_wise("", paths, "/")
    parts = pc.split_pattern(rooted, "/", max_splits=1, reverse=True)
    encoded = pc.list_element(parts, 0).dictionary_encode()
    closed = pc.binary_join_element_wise(encoded.dictionary, "", "/")
    return pa.DictionaryArray.from_arrays(encoded.indices, pc.utf8_slice_codeunits(closed, 1))


def split_partitions(paths: pa.Array, layout: Layout, location: str = "") -> RawPartitions:
    """The partition texts in `paths`, which are relative to the table's root.

    Names are split at `/` and the first `=`, and %-decoded after that. The keys of a Hive layout may stand
    in any order and case. PartitionLayoutError names two paths that disagree, and `location`.
    """
    if layout.kind == "flat" or not len(paths):
        return RawPartitions(layout, tuple(pa.array([], pa.string()) for _ in layout.keys))
    folders = _number_folders(paths)
    if layout.kind == "hive":
        return _split_hive(folders, layout, location)
    return _split_template(folders, layout, location)


def _number_folders(paths: pa.Array) -> FolderNames:
    encoded = split_directories(paths)
    lists = pc.split_pattern(pc.utf8_slice_codeunits(encoded.dictionary, 0, -1), "/")
    names = lists.flatten().dictionary_encode()
    return FolderNames(
        paths,
        encoded.dictionary,
        encoded.indices.to_numpy().astype(np.int64),
        names.dictionary.to_pylist(),
        names.indices.to_numpy().astype(np.int64),
        lists.offsets.to_numpy().astype(np.int64),
    )


def _split_hive(folders: FolderNames, layout: Layout, location: str) -> RawPartitions:
    keys: dict[str, int] = {}
    spellings: list[Counter[str]] = []
    values: list[str | None] = []
    key_of_name = np.full(len(folders.names), -1)
    uses = np.bincount(folders.code, minlength=len(folders.names))
    for code, name in enumerate(folders.names):
        try:
            key, value = parse_hive_name(name)
        except ValueError as error:
            raise _name_error(name, folders.path_with(code), location, error) from error
        values.append(value)
        if key is not None:
            number = keys.setdefault(key.casefold(), len(keys))
            if number == len(spellings):
                spellings.append(Counter())
            spellings[number][key] += int(uses[code])
            key_of_name[code] = number
    for declared in layout.keys:
        keys.setdefault(declared.casefold(), len(keys))
    key_of_folder = key_of_name[folders.code]
    names = tuple(layout.keys) or tuple(
        max(sorted(counter), key=counter.__getitem__) for counter in spellings
    )
    wanted = tuple(keys[key.casefold()] for key in names)
    order = _check_keys(folders, key_of_folder, list(keys), wanted if layout.keys else None, location)
    spelled = {keys[name.casefold()]: name for name in names}
    texts = pa.array(values, pa.string())
    columns = [texts.take(pa.array(folders.code[key_of_folder == key][folders.directory])) for key in order]
    settled = layout if layout.keys else hive_layout(tuple(spelled[key] for key in order))
    return RawPartitions(settled, tuple(columns))


def parse_hive_name(name: str) -> tuple[str | None, str | None]:
    """Key and value of a folder name; no key when it is not `key=value`. ValueError says what is wrong."""
    raw_key, equals, raw_value = name.partition("=")
    if not equals:
        return None, None
    if not raw_key:
        raise ValueError("has no key before its '='")
    key = unescape_hive(raw_key)
    return key, None if raw_value == NULL_TEXT else unescape_hive(raw_value)


def _check_keys(
    folders: FolderNames, key_of_folder: Codes, keys: list[str], wanted: tuple[int, ...] | None, location: str
) -> tuple[int, ...]:
    """The keys in the order that most directories have, once every directory has each of them once."""
    owners = folders.owners
    is_key = key_of_folder >= 0
    if wanted is None and not is_key.any():
        path = folders.path_in(0)
        raise PartitionLayoutError(
            f"Table at {location!r} has no key=value folders, as in {path!r}. Declare another layout.",
            location,
            "key=value folders",
            path,
        )
    counts = np.bincount(owners[is_key], minlength=len(folders.directories))
    positions = np.arange(len(owners)) - folders.offsets[owners]
    stray = np.flatnonzero(is_key & (positions >= counts[owners]))
    if len(stray):
        path = folders.path_in(int(owners[stray[0]]))
        raise PartitionLayoutError(
            f"Table at {location!r} has a folder that is not key=value above one that is: {path!r}. "
            "Rename it, or declare the table's layout, such as layout='{product}/year={year}/'.",
            location,
            "key=value folders only",
            path,
        )
    if len(counts) and counts.min() == counts.max() > 0:
        rows = key_of_folder[is_key].reshape(len(counts), -1)
        distinct, uses = _count_rows(rows)
        sets = {tuple(sorted(row)) for row in distinct.tolist()}
        needed = tuple(sorted(wanted)) if wanted else next(iter(sets))
        if sets == {needed} and len(set(needed)) == len(needed):
            orders = [tuple(row) for row in distinct.tolist()]
            used = dict(zip(orders, uses, strict=True))
            return wanted or min(orders, key=lambda row: (-used[row], [keys[key] for key in row]))
    raise _keys_error(folders, key_of_folder, keys, wanted, location)


def _count_rows(rows: Codes) -> tuple[Codes, list[int]]:
    if (rows == rows[0]).all():
        return rows[:1], [len(rows)]
    distinct, uses = np.unique(rows, axis=0, return_counts=True)
    return distinct, uses.tolist()


def _keys_error(
    folders: FolderNames, key_of_folder: Codes, keys: list[str], wanted: tuple[int, ...] | None, location: str
) -> PartitionLayoutError:
    """The error for paths that lack, repeat or add a key, with one path of each kind."""
    uses: Counter[tuple[str, ...]] = Counter()
    first: dict[tuple[str, ...], int] = {}
    for number in range(len(folders.directories)):
        row = key_of_folder[folders.offsets[number] : folders.offsets[number + 1]]
        names = tuple(sorted(keys[key] for key in row if key >= 0))
        if len(set(names)) < len(names):
            path = folders.path_in(number)
            return PartitionLayoutError(
                f"Path {path!r} of the table at {location!r} has one key twice. Rename one of them.",
                location,
                "each key once",
                path,
            )
        uses[names] += 1
        first.setdefault(names, number)
    declared = tuple(sorted(keys[key] for key in wanted)) if wanted else None
    expected = declared or min(uses, key=lambda names: (-uses[names], -len(names), names))
    found = min(names for names in uses if names != expected)
    shown = []
    for names in (expected, found):
        place = f"in {folders.path_in(first[names])!r}" if names in first else "as declared"
        shown.append(f"{', '.join(names) or 'no keys'} {place}")
    return PartitionLayoutError(
        f"Partition keys of the table at {location!r} differ: {shown[0]}, but {shown[1]}. "
        "Keep data files only in folders that have every key, or declare separate tables.",
        location,
        shown[0],
        shown[1],
    )


def _split_template(folders: FolderNames, layout: Layout, location: str) -> RawPartitions:
    segments = template_segments(layout.template)
    is_root = pc.equal(folders.directories, "").to_numpy(zero_copy_only=False)
    depths = np.where(is_root, 0, folders.depths)
    shallow = np.flatnonzero(depths < len(segments))
    if len(shallow):
        deep = np.flatnonzero(depths >= len(segments))
        expected = folders.path_in(int(deep[0])) if len(deep) else layout.template
        found = folders.path_in(int(shallow[0]))
        raise PartitionLayoutError(
            f"Data files of the table at {location!r} lie at different depths: its layout is "
            f"{layout.template!r}, as in {expected!r}, but there are files in {found!r}. "
            "Move them, or declare the layout that all files have.",
            location,
            expected,
            found,
        )
    texts: dict[str, pa.Array] = {}
    for level, segment in enumerate(segments):
        if segment.keys or segment.text:
            codes = folders.code[folders.offsets[:-1] + level]
            texts.update(_split_level(folders, codes, segment, layout, location))
    return RawPartitions(layout, tuple(texts[key] for key in layout.keys))


def _split_level(
    folders: FolderNames, codes: Codes, segment: TemplateSegment, layout: Layout, location: str
) -> dict[str, pa.Array]:
    """The texts of one template segment's keys, for every path."""
    pattern = re.compile(segment.pattern, re.DOTALL)
    distinct, inverse = np.unique(codes, return_inverse=True)
    values: list[list[str | None]] = [[] for _ in segment.keys]
    for code in distinct.tolist():
        match = pattern.fullmatch(folders.names[code])
        if match is None:
            found = folders.path_with(code)
            raise PartitionLayoutError(
                f"Path {found!r} of the table at {location!r} does not fit its layout {layout.template!r}: "
                f"{folders.names[code]!r} is not {segment.text!r}. Move the files, or correct the layout.",
                location,
                segment.text,
                found,
            )
        for column, raw in zip(values, match.groups(), strict=True):
            try:
                column.append(None if raw == NULL_TEXT else unescape_hive(raw))
            except ValueError as error:
                raise _name_error(raw, folders.path_with(code), location, error) from error
    positions = pa.array(inverse[folders.directory])
    return {
        key: pa.array(column, pa.string()).take(positions)
        for key, column in zip(segment.keys, values, strict=True)
    }


def _name_error(name: str, path: str, location: str, error: ValueError) -> PartitionLayoutError:
    why = (
        "is not UTF-8 once its %-escapes are decoded" if isinstance(error, UnicodeDecodeError) else str(error)
    )
    return PartitionLayoutError(
        f"Folder {name!r} in {path!r} of the table at {location!r} {why}. Rename the folder.",
        location,
        "key=value in UTF-8",
        path,
    )
