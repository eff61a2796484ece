"""CAST and TRY_CAST: which pairs of types mean the same in DuckDB, and how the others are written there."""

from __future__ import annotations

from sqlglot import exp

from lakeq.planner.dialects.kinds import UNKNOWN, kind_of
from lakeq.planner.dialects.refusal import Refusal, at_utc, put, to_instant

_DEFAULT_DECIMAL = {"athena": (38, 0), "trino": (38, 0), "spark": (10, 0), "bigquery": (38, 9)}
_PRINTS_ALIKE = {"text", "integer", "decimal", "boolean", "date", "null"}


def rewrite_cast(node: exp.Expr, dialect: str) -> exp.Expr:
    """The cast as DuckDB's. Refusal where DuckDB's gives another value, or where the types are not known."""
    value, target = node.this, node.args["to"]
    source, wanted = kind_of(value.type), kind_of(target)
    if node.args.get("format") or node.args.get("default"):
        raise Refusal("CAST … FORMAT", node)
    if wanted == UNKNOWN:
        raise Refusal(f"a cast to {target.sql(dialect)}", node)
    if source == "local":
        value, source = value, "timestamp"
    if source == "json":
        value, source = _open_json(value, wanted, node)
    if source == "instant" and wanted in ("date", "timestamp", "text"):
        value = at_utc(value)
    match wanted:
        case "text":
            return _to_text(node, value, source, target, dialect)
        case "integer":
            return _to_integer(node, value, source, dialect)
        case "decimal" if not target.expressions:
            precision, scale = _DEFAULT_DECIMAL[dialect]
            target = exp.DataType.build(f"DECIMAL({precision}, {scale})", dialect="duckdb")
        case "timestamp" | "instant":
            return _to_timestamp(node, value, source, wanted, dialect)
    return _cast(node, value, target)


def _cast(node: exp.Expr, value: exp.Expr, target: exp.DataType) -> exp.Expr:
    return type(node)(this=value.copy(), to=target.copy())


def _open_json(value: exp.Expr, wanted: str, node: exp.Expr) -> tuple[exp.Expr, str]:
    """A scalar in JSON is cast by its value."""
    if wanted in ("array", "map", "row", "json"):
        return value, "json"
    return put("json_extract_string(x, '$')", x=value), "text"


def _to_text(node: exp.Expr, value: exp.Expr, source: str, target: exp.DataType, dialect: str) -> exp.Expr:
    alike = _PRINTS_ALIKE | ({"timestamp", "instant"} if dialect == "spark" else set())
    if source == UNKNOWN:
        raise Refusal("cannot tell the type of what is cast to text here", node)
    if source not in alike:
        raise Refusal(
            f"{source.upper()} is written as text in another way by DuckDB. Use a format function", node
        )
    if target.this is exp.DType.CHAR and target.expressions:
        raise Refusal("a cast to CHAR(n), which is padded", node)
    text = value if source == "text" else _cast(node, value, exp.DataType.build("varchar"))
    if target.expressions:
        return put(f"left(x, {int(target.expressions[0].name)})", x=text)
    return text.copy() if text is value else text


def _to_integer(node: exp.Expr, value: exp.Expr, source: str, dialect: str) -> exp.Expr:
    """A fraction is rounded half away from zero, cut off in Spark; DuckDB rounds a double's half to even."""
    target = node.args["to"]
    if source in ("date", "timestamp", "instant"):
        raise Refusal(f"a cast of {source.upper()} to an integer", node)
    if source == UNKNOWN:
        raise Refusal("cannot tell the type of what is cast to an integer here", node)
    if source in ("double", "decimal"):
        value = put("trunc(x)" if dialect == "spark" else "round(x)", x=value)
    elif source == "text" and isinstance(node, exp.TryCast):
        # DuckDB takes '12.5' for 13.
        whole = put("CASE WHEN regexp_full_match(x, '\\s*[+-]?\\d+\\s*') THEN x END", x=value)
        value = whole
    return _cast(node, value, target)


def _to_timestamp(node: exp.Expr, value: exp.Expr, source: str, wanted: str, dialect: str) -> exp.Expr:
    # Spark's and BigQuery's TIMESTAMP is an instant.
    if source not in ("text", "date", "timestamp", "instant", "null"):
        raise Refusal(f"a cast of {source.upper()} to a timestamp", node)
    if wanted == "instant":
        if isinstance(node, exp.TryCast) and source == "text":
            raise Refusal("a cast that may fail, of text to a timestamp with time zone", node)
        return to_instant(_keep_type(value, node.this))
    return _cast(node, value, exp.DataType.build("timestamp", dialect="duckdb"))


def _keep_type(value: exp.Expr, typed: exp.Expr) -> exp.Expr:
    value.type = typed.type
    return value
