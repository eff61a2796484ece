"""Each line of the tables of functions makes SQL that DuckDB binds."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from lakeq.planner.dialects.signatures import Parameter, Signature, read_signatures
from lakeq.planner.dialects.translate import read_functions, translate

SAMPLES = {
    "": "3",
    "integer": "3",
    "number": "3",
    "exact": "3",
    "positive": "1",
    "double": "CAST(0.5 AS DOUBLE)",
    "decimal": "CAST(2.5 AS DECIMAL(5, 2))",
    "text": "'abc'",
    "literal": "'%Y'",
    "sure": "'(a)b'",
    "groupless": "'ab'",
    "zoned": "'2026-11-03 00:00:00+00:00'",
    "unit": "'day'",
    "boolean": "1 = 1",
    "date": "DATE '2026-11-03'",
    "moment": "DATE '2026-11-03'",
    "timestamp": "TIMESTAMP '2026-11-03 00:00:00'",
    "instant": "TIMESTAMP '2026-11-03 00:00:00 UTC'",
    "interval": "INTERVAL '1' DAY",
    "clock": "TIMESTAMP '2026-11-03 00:00:00'",
    "days": "INTERVAL '1' DAY",
    "lambda": "x -> x > 1",
    "json": "JSON '[1]'",
    "binary": "to_utf8('a')",
    "array": "ARRAY[1, 2]",
    "map": "map(ARRAY['a'], ARRAY[1])",
}
OWN = {
    "spark": {"array": "array(1, 2)", "map": "map_from_arrays(array('a'), array(1))", "double": "0.5D"},
    "bigquery": {"array": "[1, 2]", "double": "0.5", "binary": "md5('a')", "decimal": "CAST(2 AS NUMERIC)"},
}
PATTERNS = {
    "java_format": "'yyyy'",
    "joda_format": "'yyyy'",
    "java_replacement": "'$1'",
    "json_path": "'$.a'",
}
SYNTAX = ("subscript", "trim_", "extract", "try", "rlike", "grouping")
"""Names that stand for a syntax, which are tried elsewhere."""

LINES = [
    (dialect, line)
    for dialect in ("trino", "spark", "bigquery")
    for lines in read_functions(dialect).values()
    for line in lines
    if not line.name.startswith(SYNTAX) and "exact_average" not in line.template
]


def write_argument(dialect: str, line: Signature, parameter: Parameter) -> str:
    if parameter.word:
        is_bare = dialect == "bigquery"
        return parameter.word.upper() if is_bare else f"'{parameter.word}'"
    if parameter.kind in ("literal", "text"):
        for function, sample in PATTERNS.items():
            if f"{function}({parameter.name})" in line.template:
                return sample
    if dialect == "bigquery" and parameter.kind == "timestamp" and line.name.startswith("datetime"):
        return "DATETIME '2026-11-03 00:00:00'"
    if "quantile" in line.template and parameter.name == "p":
        return "ARRAY[0.5]" if parameter.kind == "array" else "0.5"
    if line.name in ("flatten", "element_at"):
        array = write_argument(dialect, Signature("", (), "", ""), Parameter("", "array"))
        if line.name == "flatten":
            return f"transform({array}, x -> {array})"
        if parameter.name == "k":
            return "'a'"
    return write_plain(dialect, parameter)


def write_plain(dialect: str, parameter: Parameter) -> str:
    if parameter.name in ("j", "z", "b") and parameter.kind in ("", "text"):
        return {"j": """'{"a": 1}'""", "z": "'Asia/Tokyo'", "b": "'abc'" if parameter.kind else "3"}[
            parameter.name
        ]
    return OWN.get(dialect, {}).get(parameter.kind, SAMPLES[parameter.kind])


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize(
    ("dialect", "line"), LINES, ids=[f"{d}: {s.name}/{len(s.parameters)}={s.template}" for d, s in LINES]
)
def test_a_line_makes_sql_that_duckdb_binds(
    dialect: str, line: Signature, connection: duckdb.DuckDBPyConnection
) -> None:
    arguments = ", ".join(write_argument(dialect, line, p) for p in line.parameters)
    written = f"{line.name}({arguments})"
    for window in ("", " OVER (ORDER BY 1)"):
        sql = translate(f"SELECT {written}{window}", dialect, [], {}.__getitem__, {}).sql
        try:
            connection.execute(f"EXPLAIN {sql}")
            return
        except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.OutOfRangeException):
            return  # bound, and then evaluated: these samples may be out of a function's range
        except duckdb.BinderException:
            assert not window, sql


def test_of_several_lines_the_kinds_decide() -> None:
    lines = read_signatures("f(a array) -> BIGINT = len(a)\nf(s text) -> BIGINT = length(s)")["f"]
    assert [line.parameters[0].kind for line in lines] == ["array", "text"]


def test_a_line_that_is_no_signature_is_told() -> None:
    with pytest.raises(ValueError, match="not a signature"):
        read_signatures("abs(x) = abs(x)")
