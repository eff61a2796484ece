"""Which queries may end before they have read all."""

from __future__ import annotations

import pytest

from lakeq.planner.limits import stops_early


@pytest.mark.parametrize(
    "sql",
    [
        "select * from t limit 10",
        "from t limit 1",
        "select a + 1 from t where b > 2 limit 10 offset 3",
        "select a from t fetch first 5 rows only",
    ],
)
def test_a_limit_alone_stops_early(sql: str) -> None:
    assert stops_early(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from t",
        "select * from t order by a limit 10",
        "select max(a) from t limit 10",
        "select b, count(*) from t group by b limit 10",
        "select distinct a from t limit 10",
        "select a, row_number() over (order by b) from t limit 10",
        "select count(*) from (select * from t limit 10)",
        "select a from t union all select b from t limit 10",
        "select limits from t",
        "not sql with a limit",
    ],
)
def test_what_must_see_every_row_does_not(sql: str) -> None:
    assert not stops_early(sql)
