"""Small random lakes from a seed, with all their rows kept in Arrow as the truth."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from tests.oracle.files import write_file

TYPES: dict[str, pa.DataType] = {
    "int": pa.int64(),
    "double": pa.float64(),
    "single": pa.float32(),
    "decimal": pa.decimal128(9, 2),
    "text": pa.string(),
    "date": pa.date32(),
    "ts": pa.timestamp("us"),
    "ns": pa.timestamp("ns"),
    "tz": pa.timestamp("us", "UTC"),
    "bool": pa.bool_(),
    "list": pa.list_(pa.int64()),
    "struct": pa.struct([("a", pa.int64()), ("b", pa.string())]),
}
COLUMNS = {
    "id": "int",
    "n": "int",
    "s": "text",
    "v": "int",
    "big": "int",
    "f": "double",
    "g": "single",
    "d": "decimal",
    "dt": "date",
    "ts": "ts",
    "tn": "ns",
    "tz": "tz",
    "b": "bool",
    "l": "list",
    "st": "struct",
    "late": "int",
}
"""`id` is unique in its table and never NULL; `v` and `dt` may be widened, `late` is missing from some files;
`big` holds integers that a double cannot tell apart."""
TEXTS = ["alpha", "beta", "it's", 'say "so"', "a,b", "two\nlines", "ünï", "100%", "x_y", "NULL", "Zeta", " x ", "", "a\\b", "日本"]  # fmt: skip
PRODUCTS = ["coffee", "lamp", "tea pot", "Ärmel"]
REGIONS = ["eu west", "50%", "a/b", "c=d", "it's", "ü", None, "NULL", "x:y", "q?", "a+b"]
TYPED = [
    (1.5, 0, "007"),
    (2.0, 5, "x1"),
    (-0.25, 5, "08"),
    (None, 9, "7"),
    (40.0, None, "x1"),
    (2.0, 30, None),
]
LAYOUTS = ["hive", "padded", "escaped", "placed", "dated", "typed", "product", "flat"]
FORMATS = ["parquet", "parquet", "parquet", "orc", "csv", "json"]
EPOCH = dt.datetime(2025, 1, 1)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LakeTable:
    """A table: the kinds of its data columns, the keys of its folders, all rows, and each row's file."""

    name: str
    layout: str
    format: str
    kinds: Mapping[str, str]
    keys: Mapping[str, str]
    rows: pa.Table
    files: tuple[str, ...]


def write_lake(root: Path, seed: int) -> list[LakeTable]:
    """Write two or three random tables below `root`; the same for the same seed."""
    rng = random.Random(seed)
    tables: list[LakeTable] = []
    for number in range(rng.choice([2, 2, 3])):
        tables.append(_write_table(rng, root, f"t{number}", {frozenset(table.kinds) for table in tables}))
    if rng.random() < 0.5:
        (root / "_SUCCESS").touch()
    return tables


def _write_table(rng: random.Random, root: Path, name: str, taken: Set[frozenset[str]]) -> LakeTable:
    """With other columns than those taken: folders of files that look alike would be one table."""
    layout, format = rng.choice(LAYOUTS), rng.choice(FORMATS)
    if layout in ("product", "flat"):  # these are one table only if all files look alike
        format = rng.choice(["parquet", "orc"])
    kinds = _choose_columns(rng, format)
    while frozenset(kinds) in taken:
        kinds = _choose_columns(rng, format)
    drifts = layout not in ("product", "flat") and rng.random() < 0.5
    if drifts:
        kinds["v"] = rng.choice(["int", "double", "text"])
        if "dt" in kinds and rng.random() < 0.5:
            kinds["dt"] = "ts"
    keys, folders = _choose_folders(rng, layout)
    rows, files, next_id = [], [], rng.randrange(3)
    for folder, values in folders:
        for part in range(rng.choice([1, 1, 2])):
            is_old = drifts and rng.random() < 0.5
            made = [_make_row(rng, kinds, format, next_id + i, is_old) for i in range(_choose_length(rng))]
            next_id += len(made)
            stored = [_store_row(row, is_old) for row in made]
            schema = _file_schema(kinds, is_old)
            path = write_file(rng, root / name / folder, f"part-{part}", format, stored, schema)
            rows += [{**row, **values} for row in made]
            files += [path.relative_to(root).as_posix()] * len(made)
        if rng.random() < 0.3:
            _write_odd_file(rng, root / name / folder, format)
    schema = pa.schema([(c, TYPES[kind]) for c, kind in {**kinds, **keys}.items()])
    return LakeTable(name, layout, format, kinds, keys, pa.Table.from_pylist(rows, schema), tuple(files))


def _choose_length(rng: random.Random) -> int:
    return rng.choice([0, 1, 3, 8, 8, 12, 12, 20])


def _choose_columns(rng: random.Random, format: str) -> dict[str, str]:
    """CSV knows no nested values, and of decimals and booleans in text lakeq makes doubles and texts."""
    barred = {"csv": {"d", "b", "l", "st"}, "json": {"d"}}.get(format, set())
    optional = [c for c in COLUMNS if c not in ("id", "n", "s", "v", *barred)]
    chosen = {"id", "n", "s", "v", *rng.sample(optional, rng.randint(3, len(optional)))}
    return {name: kind for name, kind in COLUMNS.items() if name in chosen}


def _choose_folders(rng: random.Random, layout: str) -> tuple[dict[str, str], list[tuple[str, Row]]]:
    """The keys, and each folder with their values."""
    if layout == "flat":
        return {}, [("", {})]
    if layout == "product":
        return {"partition_0": "text"}, [(p, {"partition_0": p}) for p in rng.sample(PRODUCTS, 3)]
    if layout == "escaped":
        pairs = [(rng.choice(REGIONS), rng.choice([1, 2, 30, None])) for _ in range(6)]
        pairs += [("eu west", 1), ("ü", None)]
        folders = [
            (f"region={_escape(region)}/k={_escape(k)}", {"region": region, "k": k})
            for region, k in dict.fromkeys(pairs)
        ]
        return {"region": "text", "k": "int"}, folders
    if layout == "typed":
        times = [None if hours is None else EPOCH + dt.timedelta(hours=hours) for _, hours, _ in TYPED]
        rows = [{"q": q, "moment": at, "code": code} for (q, _, code), at in zip(TYPED, times, strict=True)]
        folders = ["/".join(f"{key}={_escape(value)}" for key, value in row.items()) for row in rows]
        return {"q": "double", "moment": "ts", "code": "text"}, list(zip(folders, rows, strict=True))
    dates = sorted({EPOCH.date() + dt.timedelta(days=rng.choice([0, 1, 9, 40, 300, 370])) for _ in range(6)})
    if layout == "dated":
        return {"date": "date"}, [(str(date), {"date": date}) for date in dates]
    form = {"hive": "year={0}/month={1}/day={2}", "padded": "year={0}/month={1:02}/day={2:02}"}
    form = {**form, "placed": "{0}/{1:02}/{2:02}"}
    return dict.fromkeys(("year", "month", "day"), "int"), [
        (
            form[layout].format(date.year, date.month, date.day),
            {"year": date.year, "month": date.month, "day": date.day},
        )
        for date in dates
    ]


def _escape(value: Any) -> str:
    return "__HIVE_DEFAULT_PARTITION__" if value is None else quote(str(value), safe="")


def _make_row(rng: random.Random, kinds: Mapping[str, str], format: str, id: int, is_old: bool) -> Row:
    row: Row = {c: None if rng.random() < 0.12 else _MAKERS[kind](rng, id) for c, kind in kinds.items()}
    row["id"] = id
    if "big" in row:
        row["big"] = rng.choice([2**53, -(2**53), 2**61, id]) + rng.randrange(3)
    if kinds["v"] == "text":
        row["v"] = rng.choice([None, "7", "-3", str(id), "10"] + ["a7", "x"] * (not is_old))
    if is_old:
        row = _make_old(row)
    if format in ("csv", "json"):  # neither has a NaN; of CSV an empty text is NULL
        row = {c: None if isinstance(v, float) and v - v != 0 else v for c, v in row.items()}
    if format == "csv" and row["s"] == "":
        row["s"] = None
    return row


def _make_old(row: Row) -> Row:
    """The row with what the narrow types of an old file can hold."""
    v, dt_ = row["v"], row.get("dt")
    changed: Row = {"late": None} if "late" in row else {}
    if isinstance(v, float):
        changed["v"] = float(int(v)) if v - v == 0 else 7.0
    if isinstance(dt_, dt.datetime):
        changed["dt"] = dt_.replace(hour=0)
    return {**row, **changed}


def _store_row(row: Row, is_old: bool) -> Row:
    """The row as its file has it."""
    if not is_old:
        return row
    v, dt_ = row["v"], row.get("dt")
    narrow = {"v": None if v is None else int(v)}
    if isinstance(dt_, dt.datetime):
        narrow["dt"] = dt_.date()
    return {**row, **narrow}


def _file_schema(kinds: Mapping[str, str], is_old: bool) -> pa.Schema:
    """What a file stores: an old one lacks `late` and has a narrow `v`."""
    old = {"v": pa.int32(), "dt": pa.date32()} if is_old else {}
    kept = [name for name in kinds if not (is_old and name == "late")]
    return pa.schema([(name, old.get(name, TYPES[kinds[name]])) for name in kept])


def _write_odd_file(rng: random.Random, folder: Path, format: str) -> None:
    """What writers leave behind, none of which is data."""
    odd = rng.choice(["_SUCCESS", ".part-0.crc", "_temporary/0/part-9." + format, "empty." + format])
    path = folder / odd
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"" if odd.startswith(("_S", "empty")) else b"not data")


def _make_double(rng: random.Random, id: int) -> float:
    """Quarters, of which sums are exact in any order."""
    special = [float("nan"), float("inf"), float("-inf"), -0.0]
    return rng.choice(special) if rng.random() < 0.1 else rng.randint(-40, 200) / 4


_MAKERS: dict[str, Callable[[random.Random, int], Any]] = {
    "int": lambda rng, id: rng.choice([id // 4, rng.randrange(10), -rng.randrange(3)]),
    "double": _make_double,
    "single": _make_double,
    "decimal": lambda rng, id: Decimal(rng.randint(-500, 5_000)) / 100,
    "text": lambda rng, id: rng.choice(TEXTS),
    "date": lambda rng, id: EPOCH.date() + dt.timedelta(days=rng.choice([id, rng.randrange(400)])),
    "ts": lambda rng, id: EPOCH + dt.timedelta(hours=rng.choice([id, rng.randrange(9_000)])),
    "ns": lambda rng, id: EPOCH + dt.timedelta(seconds=rng.choice([id, rng.randrange(90_000)])),
    "tz": lambda rng, id: (EPOCH + dt.timedelta(minutes=rng.randrange(500_000))).replace(tzinfo=dt.UTC),
    "bool": lambda rng, id: rng.random() < 0.5,
    "list": lambda rng, id: [rng.choice([None, 1, 2, 3, id]) for _ in range(rng.randrange(4))],
    "struct": lambda rng, id: {"a": rng.choice([None, id % 5]), "b": rng.choice([None, *TEXTS[:6]])},
}


def list_values(table: LakeTable) -> Iterator[tuple[str, str, list[Any]]]:
    """Name, kind and some of the values of each column."""
    for name, kind in {**table.kinds, **table.keys}.items():
        column = table.rows[name].slice(0, 400)
        yield name, kind, [value for value in column.to_pylist() if value is not None]
