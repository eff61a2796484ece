"""Which files rules concern, and when: no more, and no fewer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.audit.finding import Finding
from lakeq.audit.lifecycle import judge_lifecycle
from lakeq.catalog.layout import hive_layout
from lakeq.catalog.table import TableFiles
from lakeq.formats.base import Column
from lakeq.storage.lifecycle import EXPIRE, LifecycleRule, LifecycleStep, read_rules

NOON = dt.datetime(2026, 9, 1, 12, tzinfo=dt.UTC)
TODAY = dt.date(2026, 11, 26)
COLD = LifecycleStep("GLACIER", 90, None)
GONE = LifecycleStep(EXPIRE, 90, None)


def table(*files: dict[str, Any]) -> TableFiles:
    """`events` below s3://b/lake, by day; each file has 100 bytes and was written at NOON."""
    rows = [{"size": 100, "modified": NOON, "storage_class": "STANDARD", "raw_0": "1", **f} for f in files]
    schema = pa.schema(
        [
            ("path", pa.string()),
            ("size", pa.int64()),
            ("modified", pa.timestamp("us", tz="UTC")),
            ("storage_class", pa.string()),
            ("raw_0", pa.string()),
        ]
    )
    return TableFiles(
        name="events",
        store_root="s3://b/lake",
        location="s3://b/lake/events",
        format="parquet",
        layout=hive_layout(("day",)),
        partition_columns=(Column("day", pa.int64()),),
        files=pa.Table.from_pylist(rows, schema),
    )


def judge(rules: Sequence[LifecycleRule], *files: dict[str, Any], root: str = "s3://b/lake") -> list[Finding]:
    return list(judge_lifecycle(tuple(rules), "b", [root], lambda: [table(*files)], TODAY))


def one(step: LifecycleStep, prefix: str = "", **more: Any) -> LifecycleRule:
    return LifecycleRule("r", prefix, (step,), **more)


def test_s3_acts_at_the_midnight_after_the_days_are_over() -> None:
    # AWS's example: written on the 15th at 10:30 with 3 days, gone on the 19th.
    written = dt.datetime(2014, 1, 15, 10, 30, tzinfo=dt.UTC)
    assert LifecycleStep(EXPIRE, 3, None).due(written) == dt.date(2014, 1, 19)
    assert LifecycleStep(EXPIRE, None, dt.date(2027, 1, 1)).due(written) == dt.date(2027, 1, 1)


@given(st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2090, 1, 1)), st.integers(0, 5000))
def test_no_file_is_due_before_its_days_are_over(written: dt.datetime, days: int) -> None:
    written = written.replace(tzinfo=dt.UTC)
    due = dt.datetime.combine(LifecycleStep(EXPIRE, days, None).due(written), dt.time(), dt.UTC)
    age = due - written
    assert dt.timedelta(days) < age <= dt.timedelta(days + 1)


def test_the_next_days_are_told_and_what_is_overdue_is_due_now() -> None:
    files = [
        {"path": f"events/day={n}/a", "raw_0": str(n), "modified": NOON + dt.timedelta(days=n - 9)}
        for n in range(1, 7)
    ]
    (finding,) = judge([one(COLD)], *files)
    assert finding.severity == "note"
    assert [(due.day, due.partitions) for due in finding.due] == [
        (TODAY, ("day=1", "day=2", "day=3", "day=4")),
        (TODAY + dt.timedelta(days=1), ("day=5",)),
        (TODAY + dt.timedelta(days=2), ("day=6",)),
    ]
    assert "Due now: day=1, day=2, day=3 and 1 more (4 files, 400 bytes)." in finding.what
    assert "On 2026-11-27: day=5 (1 file, 100 bytes)." in finding.what


@pytest.mark.parametrize(
    ("prefix", "count"),
    [("", 2), ("lake/", 2), ("lake/ev", 2), ("lake/events/day=1/", 1), ("lak/", 0), ("x", 0)],
)
def test_a_prefix_is_one_of_keys_not_of_folders(prefix: str, count: int) -> None:
    (finding,) = judge([one(GONE, prefix)], {"path": "events/day=1/a"}, {"path": "events/day=10/a"})
    assert finding.severity == ("risk" if count else "ok")
    assert sum(due.files for due in finding.due) == count


@pytest.mark.parametrize(
    ("above", "below", "least", "count"),
    [
        (-1, None, 0, 1),
        (99, None, 0, 1),
        (100, None, 0, 0),
        (-1, 101, 0, 1),
        (-1, 100, 0, 0),
        (-1, None, 101, 0),
        (-1, None, 100, 1),
    ],
)
def test_sizes_bound_a_rule(above: int, below: int | None, least: int, count: int) -> None:
    rule = one(LifecycleStep("GLACIER", 90, None, least), above=above, below=below)
    (finding,) = judge([rule], {"path": "events/day=1/a"})
    assert sum(due.files for due in finding.due) == count


@pytest.mark.parametrize(
    ("action", "storage_class", "count"),
    [
        ("GLACIER", "STANDARD", 1),
        ("GLACIER", None, 1),
        ("GLACIER", "GLACIER restored", 0),
        ("GLACIER", "DEEP_ARCHIVE", 0),
        ("DEEP_ARCHIVE", "GLACIER", 1),
        ("DEEP_ARCHIVE", "DEEP_ARCHIVE", 0),
        (EXPIRE, "GLACIER", 1),
    ],
)
def test_what_is_archived_is_not_archived_again(action: str, storage_class: str | None, count: int) -> None:
    file = {"path": "events/day=1/a", "storage_class": storage_class}
    (finding,) = judge([one(LifecycleStep(action, 90, None))], file)
    assert sum(due.files for due in finding.due) == count


def test_tags_are_named_for_a_listing_does_not_tell_them() -> None:
    (finding,) = judge([one(GONE, tags=("keep=no",))], {"path": "events/day=1/a"})
    assert "if they have the tags keep=no" in finding.what


@pytest.mark.parametrize("place", ["s3://b", "s3://b/lake/", "s3a://b/lake/events"])
def test_any_spelling_of_a_place_is_compared_with_the_rule(place: str) -> None:
    (finding,) = judge([one(GONE, "lake/ev")], {"path": "events/day=1/a"}, root=place)
    assert finding.severity == "risk"


def test_no_table_is_listed_for_rules_about_other_prefixes() -> None:
    def fail() -> list[TableFiles]:
        raise AssertionError("listed")

    (finding,) = judge_lifecycle((one(GONE, "other/"),), "b", ["s3://b/lake"], fail, TODAY)
    assert finding.severity == "ok"


def rules_of(text: str, **headers: str) -> tuple[LifecycleRule, ...]:
    root = ElementTree.fromstring(f"<LifecycleConfiguration>{text}</LifecycleConfiguration>")
    return read_rules(root, {name.replace("_", "-"): value for name, value in headers.items()})


def rule_of(
    filter_text: str, steps: str, status: str = "Enabled", **headers: str
) -> tuple[LifecycleRule, ...]:
    return rules_of(f"<Rule><ID>r</ID><Status>{status}</Status>{filter_text}{steps}</Rule>", **headers)


DELETES = "<Expiration><Days>90</Days></Expiration>"
ARCHIVES = "<Transition><Days>30</Days><StorageClass>DEEP_ARCHIVE</StorageClass></Transition>"
DEFAULT = {"x_amz_transition_default_minimum_object_size": "all_storage_classes_128K"}


@pytest.mark.parametrize(
    ("steps", "read"),
    [
        (DELETES, (GONE,)),
        (ARCHIVES, (LifecycleStep("DEEP_ARCHIVE", 30, None),)),
        (
            "<Expiration><Date>2027-01-01T00:00:00Z</Date></Expiration>",
            (LifecycleStep(EXPIRE, None, dt.date(2027, 1, 1)),),
        ),
    ],
)
def test_steps_are_read(steps: str, read: tuple[LifecycleStep, ...]) -> None:
    (rule,) = rule_of("<Filter><Prefix>a/</Prefix></Filter>", steps)
    assert (rule.prefix, rule.steps) == ("a/", read)


@pytest.mark.parametrize(
    "steps",
    [
        "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>",
        "<Transition><Days>30</Days><StorageClass>STANDARD_IA</StorageClass></Transition>",
        "<Transition><Days>30</Days><StorageClass>GLACIER_IR</StorageClass></Transition>",
        "<NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays></NoncurrentVersionExpiration>",
    ],
)
def test_rules_that_leave_files_readable_are_left_out(steps: str) -> None:
    assert rule_of("<Filter/>", steps) == ()


def test_rules_that_are_switched_off_are_left_out() -> None:
    assert rule_of("<Filter/>", DELETES, status="Disabled") == ()


def test_all_of_a_filter_is_read() -> None:
    both = (
        "<Filter><And><Prefix>a/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag>"
        "<ObjectSizeGreaterThan>5</ObjectSizeGreaterThan><ObjectSizeLessThan>9</ObjectSizeLessThan></And></Filter>"
    )
    (rule,) = rule_of(both, ARCHIVES, **DEFAULT)
    assert (rule.prefix, rule.tags, rule.above, rule.below) == ("a/", ("k=v",), 5, 9)
    assert rule.steps[0].least_bytes == 0  # a size in the rule goes before the bucket's least


def test_the_old_form_has_its_prefix_in_the_rule() -> None:
    (rule,) = rule_of("<Prefix>a/</Prefix>", DELETES)
    assert rule.prefix == "a/"


def test_small_objects_are_not_archived_where_the_bucket_says_so_but_deleted() -> None:
    (rule,) = rule_of("<Filter/>", ARCHIVES + DELETES, **DEFAULT)
    assert [(step.action, step.least_bytes) for step in rule.steps] == [("DEEP_ARCHIVE", 131072), (EXPIRE, 0)]
