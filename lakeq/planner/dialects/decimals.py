"""Quotients of decimals, exactly: DuckDB divides them as doubles.

Sources: trino.io/docs/current/functions/decimal.html; Spark's Average and BigQuery's NUMERIC. What has
too many digits for 128 bits fails when it runs, as it does there.
"""

from __future__ import annotations

from sqlglot import exp

from lakeq.planner.dialects.kinds import average_scale, digits_of
from lakeq.planner.dialects.refusal import Refusal, put


def divide_exactly(node: exp.Expr, a: exp.Expr, b: exp.Expr) -> exp.Expr:
    """Trino's `a / b`: as many digits after the point as the operand that has more of them, rounded half away
    from 0."""
    left, right = digits_of(a.type), digits_of(b.type)
    if left is None or right is None:
        raise Refusal(
            "cannot tell the digits of the decimals that `/` divides. CAST one side to DOUBLE", node
        )
    scale = max(left[1], right[1])
    numerator, denominator = _whole("a", left[1]), _whole("b", right[1])
    return put(_quotient(f"{numerator} * {10 ** (scale - left[1] + right[1])}", denominator, scale), a=a, b=b)


def average_exactly(node: exp.Expr, value: exp.Expr, dialect: str) -> exp.Expr:
    """avg() of decimals: with the digits after the point that they have, four more in Spark, nine in
    BigQuery."""
    scale = average_scale(value.type, dialect)
    digits = digits_of(value.type)
    if digits is None or scale is None:
        raise Refusal("cannot tell the digits of the decimals of `avg()`. CAST them to DOUBLE", node)
    numerator = f"{_whole('sum(x)', digits[1])} * {10 ** (scale - digits[1])}"
    return put(_quotient(numerator, "nullif(count(x), 0)", scale), x=value)


def _whole(text: str, scale: int) -> str:
    """A decimal as the whole number of its last digits."""
    return f"CAST({text} * CAST({10**scale} AS DECIMAL({scale + 1}, 0)) AS HUGEINT)"


def _quotient(n: str, d: str, scale: int) -> str:
    whole = f"sign({n}) * sign({d}) * ((2 * abs({n}) + abs({d})) // (2 * abs({d})))"
    unit = "0." + "0" * (scale - 1) + "1" if scale else "1"
    return f"CAST({whole} AS DECIMAL({37 - scale}, 0)) * CAST('{unit}' AS DECIMAL({scale + 1}, {scale}))"
