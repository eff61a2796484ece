"""Partition projection: proposed only where it gives back every folder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lakeq
from lakeq.catalog.layout import hive_layout
from lakeq.catalog.table import Table
from lakeq.ddl.projection import Projection, Refusal, find_projections
from lakeq.ddl.subject import Folder, Subject, survey_table
from lakeq.formats.base import Column
from lakeq.formats.text_types import cast_text, infer_text_type

TODAY = dt.date(2026, 11, 27)


def project(folders: Sequence[str], has_months: bool = True) -> tuple[Projection, ...] | Refusal:
    """The projections of a Hive table with these folders."""
    return find_projections(make_subject(folders), TODAY, has_months)


def make_subject(folders: Sequence[str]) -> Subject:
    parts = [[piece.partition("=")[::2] for piece in folder.split("/")] for folder in folders]
    names = tuple(name for name, _ in parts[0])
    columns = list(zip(*([text for _, text in row] for row in parts), strict=True))
    keys = tuple(
        Column(name, infer_text_type(pa.array(texts), zero_padded=True))
        for name, texts in zip(names, columns, strict=True)
    )
    rows = tuple(
        Folder(f"{folder}/", tuple(t for _, t in row), tuple(t for _, t in row))
        for folder, row in zip(folders, parts, strict=True)
    )
    table = Table("t", "/t", "/", "parquet", hive_layout(names), keys, keys, None, None, None)
    return Subject(table, (), rows, (), False, None, (), 0, 0, ())


def one(folders: Sequence[str], has_months: bool = True) -> Projection:
    found = project(folders, has_months)
    assert not isinstance(found, Refusal), found
    (projection,) = found
    return projection


def reason(folders: Sequence[str], has_months: bool = True) -> str:
    found = project(folders, has_months)
    assert isinstance(found, Refusal), found
    return found.reason


def test_padded_months_are_projected_with_two_digits_over_the_whole_year() -> None:
    month = one(["month=03", "month=11"])
    assert (month.kind, month.low, month.high, month.digits, month.note) == ("integer", "1", "12", 2, "")


def test_unpadded_months_are_projected_without_digits() -> None:
    month = one(["month=3", "month=11"])
    assert (month.low, month.high, month.digits) == ("1", "12", 0)


def test_mixed_padding_is_not_projected() -> None:
    assert "leading zeros" in reason(["month=3", "month=04"])


def test_padding_that_no_folder_tells_is_told_by_the_other_keys_or_noted() -> None:
    found = project(["month=10/day=9", "month=11/day=10"])
    assert not isinstance(found, Refusal)
    assert [(p.digits, p.note) for p in found] == [(0, ""), (0, "")]
    alone = one(["month=10", "month=11"])
    assert alone.digits == 2
    assert "no folder tells" in alone.note


def test_years_reach_ten_years_beyond_the_last() -> None:
    year = one(["year=2025", "year=2026"])
    assert (year.low, year.high, year.digits) == ("2025", "2036", 0)
    assert "2036" in year.note


def test_other_integers_are_projected_as_far_as_they_go() -> None:
    size = one(["size=007", "size=100"])
    assert (size.low, size.high, size.digits) == ("7", "100", 3)
    assert "from 7 to 100" in size.note
    assert "values between" in reason(["day=20250101", "day=20261231"])


def test_days_are_projected_up_to_now() -> None:
    day = one(["day=2026-11-01", "day=2026-11-26"])
    assert (day.kind, day.low, day.high, day.form, day.unit) == (
        "date",
        "2026-11-01",
        "NOW",
        "yyyy-MM-dd",
        "DAYS",
    )
    assert day.count == 27


def test_days_to_come_are_projected_too() -> None:
    assert one(["day=2026-11-26", "day=2026-11-28"]).high == "NOW+1DAYS"
    far = one(["day=2026-11-26", "day=2099-01-01"])
    assert far.high == "2099-01-01"
    assert far.note
    alone = one(["day=2099-01-01"])
    assert alone.low < alone.high


@pytest.mark.parametrize(
    ("texts", "form", "unit"),
    [
        (["2026-11-03-14", "2026-11-03-15"], "yyyy-MM-dd-HH", "HOURS"),
        (["2026-11", "2026-10"], "yyyy-MM", "MONTHS"),
    ],
)
def test_texts_that_name_moments_are_projected_by_their_step(texts: list[str], form: str, unit: str) -> None:
    found = one([f"at={text}" for text in texts])
    assert (found.kind, found.form, found.unit, found.high) == ("date", form, unit, "NOW")


def test_months_are_listed_for_an_engine_that_has_no_such_step() -> None:
    assert "months" in reason(["at=2026-10", "at=2026-11"], has_months=False)


def test_texts_that_only_look_like_days_are_values() -> None:
    assert one(["at=2026-13-45", "at=2026-11-03"]).kind == "enum"


def test_few_texts_are_an_enumeration_and_many_are_listed_or_injected() -> None:
    assert one(["shop=b", "shop=a"]).values == ("a", "b")
    assert "1,001 values" in reason([f"shop=s{i}" for i in range(1_001)])
    assert one([f"shop=s{i}" for i in range(10_001)]).kind == "injected"


@pytest.mark.parametrize("text", ["a%2Fb", "a,b", " a", "it's", "a:b"])
def test_values_that_a_projection_does_not_keep_are_listed(text: str) -> None:
    assert reason([f"shop={text}", "shop=c"])


def test_values_without_a_projection_are_listed() -> None:
    assert "price" in reason(["price=1.5", "price=2.25"])
    assert "sign" in reason(["size=-1", "size=3"])


def test_more_combinations_than_athena_scans_are_listed() -> None:
    folders = [f"a={i}/b={i}/c={i}" for i in range(0, 990, 10)]
    assert "combinations" in reason(folders)


def test_a_null_partition_and_folders_in_another_order_are_listed(tmp_path: Path) -> None:
    for table, folders in {
        "nulls": ("month=3", "month=__HIVE_DEFAULT_PARTITION__"),
        "swapped": ("a=1/b=x", "b=y/a=2"),
    }.items():
        for folder in folders:
            (tmp_path / table / folder).mkdir(parents=True)
            pq.write_table(pa.table({"id": [1]}), tmp_path / table / folder / "a.parquet")
    with lakeq.connect(str(tmp_path)) as lake:
        for table, words in (("nulls", "NULL"), ("swapped", "spelled")):
            found = find_projections(survey_table(lake._catalog.view().entry(table)), TODAY, True)
            assert isinstance(found, Refusal)
            assert words in found.reason


def spell(projection: Projection) -> Callable[[], set[str]]:
    """The values that an engine computes from a projection."""

    def integers() -> set[str]:
        return {str(i).zfill(projection.digits) for i in range(int(projection.low), int(projection.high) + 1)}

    def days() -> set[str]:
        form = {"yyyy-MM-dd": "%Y-%m-%d", "yyyyMMdd": "%Y%m%d"}[projection.form]
        low = dt.datetime.strptime(projection.low, form).date()
        if projection.high.startswith("NOW"):
            high = TODAY + dt.timedelta(days=int(projection.high[4:-4] or 0))
        else:
            high = dt.datetime.strptime(projection.high, form).date()
        return {(low + dt.timedelta(days=i)).strftime(form) for i in range((high - low).days + 1)}

    return {"integer": integers, "date": days, "enum": lambda: set(projection.values)}[projection.kind]


TEXTS = st.one_of(
    st.integers(0, 40).map(str),
    st.integers(0, 40).map(lambda i: f"{i:02}"),
    st.integers(0, 400).map(lambda i: f"{i:03}"),
    st.dates(dt.date(2026, 1, 1), dt.date(2027, 6, 1)).map(str),
    st.sampled_from(["a", "b c", "é", "x_y"]),
)


@given(
    name=st.sampled_from(["year", "month", "day", "hour", "k"]),
    texts=st.lists(TEXTS, min_size=1, max_size=6, unique=True),
)
@settings(max_examples=150)
def test_a_projection_gives_back_every_folder_letter_by_letter(name: str, texts: list[str]) -> None:
    subject = make_subject([f"{name}={text}" for text in texts])
    found = find_projections(subject, TODAY, has_months=True)
    if isinstance(found, Refusal):
        return
    (projection,) = found
    assert set(texts) <= spell(projection)()
    kind = subject.keys[0].type
    cast = cast_text(pa.array(sorted(spell(projection)())), kind)
    assert cast.null_count == 0
