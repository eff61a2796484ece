"""Which files of the lake's tables lifecycle rules will archive or delete, and when. Judges facts; asks
nothing."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import pyarrow.compute as pc

from lakeq.audit.bucket import tell_untold
from lakeq.audit.finding import DueFiles, Finding
from lakeq.catalog.hive_names import hive_folder
from lakeq.catalog.table import TableFiles
from lakeq.planner.bill import format_files
from lakeq.quantities import format_bytes, format_count, format_share
from lakeq.storage.bucket_posture import Untold
from lakeq.storage.classes import class_name
from lakeq.storage.lifecycle import EXPIRE, LifecycleRule, LifecycleStep

_CHECK = "lifecycle"
_DAYS_TOLD, _PARTITIONS_TOLD = 3, 3
_DONE = {"GLACIER": ("GLACIER", "DEEP_ARCHIVE"), "DEEP_ARCHIVE": ("DEEP_ARCHIVE",)}
"""Classes from which S3 moves nothing to that archive."""


@dataclass(frozen=True, slots=True)
class _File:
    """A file that a rule concerns: when S3 acts on it, its stored bytes, and its partition."""

    due: dt.date
    size: int
    partition: str


def judge_lifecycle(
    rules: tuple[LifecycleRule, ...] | Untold | None,
    bucket: str,
    places: Sequence[str],
    list_tables: Callable[[], Sequence[TableFiles]],
    today: dt.date,
) -> Iterator[Finding]:
    """A finding for each step of a rule and each table that it concerns; one that all is well where none
    does. `places` are the locations in the bucket below which the lake's tables lie; `list_tables` is only
    called where a rule may concern one of them."""
    if isinstance(rules, Untold):
        yield tell_untold(_CHECK, rules)
        return
    keys = [_key_of(bucket, place) for place in places]
    near = [rule for rule in rules or () if any(_may_meet(rule.prefix, key) for key in keys)]
    tables = list_tables() if near else ()
    found = [
        _tell(rule, step, table, files, today)
        for table in tables
        for rule in near
        for step in rule.steps
        if (files := _find_files(rule, step, table, bucket))
    ]
    yield from found
    if not found:
        yield Finding(_CHECK, "ok", "No lifecycle rule will archive or delete files of the lake's tables.")


def _may_meet(prefix: str, other: str) -> bool:
    """Whether a key may begin with both prefixes."""
    return prefix.startswith(other) or other.startswith(prefix)


def _key_of(bucket: str, root: str) -> str:
    """The prefix of the keys below a root such as `s3://bucket/a`: `a/`."""
    key = root.partition("://")[2].removeprefix(bucket).strip("/")
    return f"{key}/" if key else ""


def _find_files(rule: LifecycleRule, step: LifecycleStep, table: TableFiles, bucket: str) -> list[_File]:
    """The files that a step of a rule acts on some day, by that day. Those that are in that archive already,
    or in a deeper one, are none of them."""
    files = table.files
    keys = pc.binary_join_element_wise(_key_of(bucket, table.store_root), files["path"], "")
    is_meant = pc.and_(
        pc.starts_with(keys, rule.prefix), pc.greater(files["size"], max(rule.above, step.least_bytes - 1))
    )
    if rule.below is not None:
        is_meant = pc.and_(is_meant, pc.less(files["size"], rule.below))
    files = files.filter(pc.and_(is_meant, pc.is_valid(files["modified"])))
    names = [column.name for column in table.partition_columns]
    raws = [files[f"raw_{i}"].to_pylist() for i in range(len(names))]
    columns = [files[name].to_pylist() for name in ("path", "size", "modified", "storage_class")]
    found = []
    for row, (path, size, modified, storage_class) in enumerate(zip(*columns, strict=True)):
        if class_name(storage_class) not in _DONE.get(step.action, ()):
            partition = "/".join(hive_folder(key, raw[row]) for key, raw in zip(names, raws, strict=True))
            found.append(_File(step.due(modified), size, partition or path))
    return sorted(found, key=lambda file: (file.due, file.partition))


def _tell(
    rule: LifecycleRule, step: LifecycleStep, table: TableFiles, files: list[_File], today: dt.date
) -> Finding:
    deletes = step.action == EXPIRE
    does = "deletes" if deletes else f"archives ({step.action})"
    days = "1 day" if step.days == 1 else f"{step.days} days"
    when = f"{days} after they were written" if step.date is None else f"from {step.date} on"
    share = format_share(len(files), table.files.num_rows)
    tagged = f", if they have the tags {', '.join(rule.tags)}," if rule.tags else ""
    size = format_bytes(sum(file.size for file in files))
    due = tuple(islice(_gather(files, today), _DAYS_TOLD))
    what = f"Rule '{rule.name}' {does} {share} files ({size}) of {table.name}{tagged} {when}."
    why = (
        "Queries over them then give other answers, and no error."
        if deletes
        else "Queries over them are refused until they are restored, which costs money and hours."
    )
    return Finding(
        _CHECK,
        "risk" if deletes else "note",
        f"{what} {' '.join(_tell_due(part, today) for part in due)}",
        why,
        "If that is not meant, narrow the rule's prefix, or disable it, before the day comes.",
        table=table.name,
        due=due,
    )


def _gather(files: list[_File], today: dt.date) -> Iterator[DueFiles]:
    """The files by the day on which they are due, the next one first; what is overdue counts for today."""
    days: dict[dt.date, list[_File]] = defaultdict(list)
    for file in files:
        days[max(file.due, today)].append(file)
    for day, members in days.items():
        partitions = tuple(dict.fromkeys(file.partition for file in members))
        yield DueFiles(day, len(members), sum(file.size for file in members), partitions)


def _tell_due(due: DueFiles, today: dt.date) -> str:
    named = ", ".join(due.partitions[:_PARTITIONS_TOLD])
    rest = len(due.partitions) - _PARTITIONS_TOLD
    more = f" and {format_count(rest)} more" if rest > 0 else ""
    when = "Due now" if due.day <= today else f"On {due.day}"
    return f"{when}: {named}{more} ({format_files(due.files)}, {format_bytes(due.bytes)})."
