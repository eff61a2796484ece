"""The small languages of the command line's values."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lakeq.cli.values import parse_params, parse_value
from lakeq.errors import ConfigError


def test_values_are_json_scalars_or_text() -> None:
    texts = ["7", "-1.50", "true", "null", '"7"', "2026-11-03", "007", "tea", "", "NaN", "[1]", '{"a": 1}']
    expected = [
        7,
        Decimal("-1.50"),
        True,
        None,
        "7",
        "2026-11-03",
        "007",
        "tea",
        "",
        "NaN",
        "[1]",
        '{"a": 1}',
    ]
    assert [parse_value(text) for text in texts] == expected


def test_a_name_before_the_equals_sign_makes_a_named_parameter() -> None:
    assert parse_params(["year=2026", "p=a=b", "empty="]) == {"year": 2026, "p": "a=b", "empty": ""}


def test_without_a_name_parameters_go_by_place() -> None:
    assert parse_params(["2026", "2 = 2", "=x=y"]) == [2026, "2 = 2", "x=y"]
    assert parse_params([]) is None


def test_both_kinds_in_one_query_are_refused() -> None:
    with pytest.raises(ConfigError, match="not both"):
        parse_params(["year=2026", "7"])
