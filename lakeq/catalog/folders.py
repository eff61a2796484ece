"""The tree of folders that hold data, and what their names look like: years, months, days, or anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.layout import Layout, parse_template
from lakeq.catalog.partition_texts import split_directories

_YEAR = re.compile(r"19\d\d|20\d\d|2100", re.ASCII)
_MONTH = re.compile(r"0?[1-9]|1[0-2]")
_DAY = re.compile(r"0?[1-9]|[12][0-9]|3[01]")
_HOUR = re.compile(r"[01]?[0-9]|2[0-3]")
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CLOCK = (("year", _YEAR), ("month", _MONTH), ("day", _DAY), ("hour", _HOUR))
_HIVE_ROOT = r"^(?P<root>(?:[^/=]*/)*)[^/=]*="


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder below which there are data files.

    `path` is "" for the root, else ends in `/`. `formats` counts the files directly in it by format.
    `is_hive` says that it directly holds `key=value` folders: it is a table, and has no `children`.
    `height` is how many folders deep all files below lie; None when they lie at several depths.
    `has_hive` says that it, or a folder below it, is a Hive table.
    """

    path: str
    children: tuple[Folder, ...]
    formats: Mapping[str, int]
    is_hive: bool
    has_hive: bool
    height: int | None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rstrip("/").rpartition("/")[2]

    def leaves(self) -> list[Folder]:
        """The folders that hold files directly, from this one down, in the order of their paths."""
        found, pending = [], [self]
        while pending:
            folder = pending.pop()
            if folder.formats:
                found.append(folder)
            pending.extend(reversed(folder.children))
        return found

    def level_names(self) -> list[set[str]]:
        """The folder names at each level below this folder."""
        levels, folders = [], list(self.children)
        while folders:
            levels.append({folder.name for folder in folders})
            folders = [child for folder in folders for child in folder.children]
        return levels


def build_folders(objects: pa.Table, root: str = "") -> Folder:
    """The tree of the directories of `objects` (their `path` and `format`) below the folder `root`.

    Paths in the tree are relative to `root`.
    """
    paths = pc.utf8_slice_codeunits(objects.column("path").combine_chunks(), len(root))
    directories = split_directories(paths)
    hive_roots = pc.struct_field(pc.extract_regex(directories.dictionary, _HIVE_ROOT), 0)
    homes = pc.coalesce(hive_roots, directories.dictionary).take(directories.indices)
    pairs = pa.table({"home": homes, "format": objects.column("format")})
    counted = pairs.group_by(["home", "format"]).aggregate([([], "count_all")])
    outermost = _outermost(pc.unique(hive_roots.drop_null()).to_pylist())
    formats: dict[str, dict[str, int]] = {}
    for path, kind, count in zip(*(counted.column(i).to_pylist() for i in range(3)), strict=True):
        home = next((folder for folder in _ancestors(path) if folder in outermost), path)
        here = formats.setdefault(home, {})
        here[kind] = here.get(kind, 0) + count
    return _grow(formats, outermost)


def _outermost(roots: list[str]) -> set[str]:
    """The folders that do not lie in another of them."""
    every = set(roots)
    return {root for root in roots if not any(above in every for above in _ancestors(root) if above != root)}


def _ancestors(path: str) -> Iterable[str]:
    """The root, then every folder down to `path` itself."""
    yield ""
    end = path.find("/") + 1
    while end:
        yield path[:end]
        end = path.find("/", end) + 1


def _grow(formats: Mapping[str, Mapping[str, int]], hive_roots: set[str]) -> Folder:
    """The root of the tree, built from the deepest folders up, without recursion."""
    paths = {"", *(folder for path in formats for folder in _ancestors(path))}
    below: dict[str, list[Folder]] = {}
    for path in sorted(paths, key=lambda path: (-path.count("/"), path)):
        children = tuple(below.pop(path, ()))
        here = dict(sorted(formats.get(path, {}).items()))
        is_hive = path in hive_roots
        has_hive = is_hive or any(child.has_hive for child in children)
        folder = Folder(path, children, here, is_hive, has_hive, _height(children, here, is_hive))
        if not path:
            return folder
        below.setdefault(path[: path[:-1].rfind("/") + 1], []).append(folder)
    raise AssertionError("the root is an ancestor of every path")


def _height(children: tuple[Folder, ...], formats: Mapping[str, int], is_hive: bool) -> int | None:
    heights = {child.height for child in children}
    if is_hive or None in heights or len(heights) > 1 or (heights and formats):
        return None
    return heights.pop() + 1 if heights else 0  # type: ignore[operator]  # None was excluded above


def label_levels(levels: list[set[str]]) -> tuple[str, ...]:
    """What each level of folder names is: `year`, `month`, `day`, `hour`, `date`, or `partition_<n>`.

    Months follow years only, days months, hours days or dates; every name of the level must fit.
    """
    labels: list[str] = []
    for names in levels:
        label = _time_label(names, labels[-1] if labels else None)
        if label is None or label in labels:
            label = f"partition_{sum(1 for known in labels if known.startswith('partition_'))}"
        labels.append(label)
    return tuple(labels)


def is_time(label: str) -> bool:
    """Whether a label of `label_levels` is a part of a point in time."""
    return not label.startswith("partition_")


def labelled_layout(labels: tuple[str, ...]) -> Layout:
    """The positional layout of labelled levels; a level of dates is typed date, other times bigint."""
    types = {"date": ":date"}
    fields = (f"{{{label}{types.get(label, ':int' if is_time(label) else '')}}}/" for label in labels)
    return parse_template("".join(fields))


def _time_label(names: set[str], above: str | None) -> str | None:
    if all(_DATE.fullmatch(name) and _is_date(name) for name in names):
        return "date"
    expected = "hour" if above == "date" else "year"
    for position, (label, _) in enumerate(_CLOCK[:-1]):
        if label == above:
            expected = _CLOCK[position + 1][0]
    pattern = dict(_CLOCK)[expected]
    return expected if all(pattern.fullmatch(name) for name in names) else None


def _is_date(name: str) -> bool:
    try:
        date.fromisoformat(name)
    except ValueError:
        return False
    return True
