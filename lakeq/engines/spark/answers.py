"""What Spark answers, as the columns that DuckDB gives: the same values, or an error."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.errors import ExecutionError
from lakeq.formats.types import plain_type, sql_type


def conform_answer(answer: pa.Table, schema: pa.Schema | None) -> pa.Table:
    """The answer with the names and types of `schema`, column by column; None: as it came.

    ExecutionError where a value would have to change for that.
    """
    if schema is None:
        return answer
    if answer.num_columns != len(schema):
        raise ExecutionError(
            f"Spark answered {answer.num_columns} columns where the query has {len(schema)}. {_REMEDY}",
            "spark",
        )
    columns = [_fit(column, field) for column, field in zip(answer.columns, schema, strict=True)]
    return pa.table(columns, schema=schema)


_REMEDY = "Run the query with engine='duckdb', or cast the column."


def _fit(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    if column.type == field.type:
        return column
    try:
        if _may_cast(plain_type(column.type), plain_type(field.type)):
            fitted = column.cast(field.type)
            if not _loses(column, fitted):
                return fitted
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise _misfit(column, field) from error
    raise _misfit(column, field)


def _misfit(column: pa.ChunkedArray, field: pa.Field) -> ExecutionError:
    return ExecutionError(
        f"Spark answered column '{field.name}' as {sql_type(column.type)}, and its values are none of "
        f"{sql_type(field.type)}, which DuckDB gives. {_REMEDY}",
        "spark",
    )


def _may_cast(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether values of one type can be values of the other, so that only those that do not fit are wrong."""
    if found == wanted or pa.types.is_null(found):
        return True
    if pa.types.is_nested(found) or pa.types.is_nested(wanted):
        same = found.id == wanted.id and found.num_fields == wanted.num_fields
        return same and all(
            _may_cast(found.field(i).type, wanted.field(i).type) for i in range(found.num_fields)
        )
    exact = (pa.types.is_integer, pa.types.is_decimal)
    if any(test(found) for test in exact):
        return any(test(wanted) for test in exact)
    if pa.types.is_floating(found):
        return bool(pa.types.is_floating(wanted))
    if pa.types.is_timestamp(found) and pa.types.is_timestamp(wanted):
        return (found.tz is None) == (wanted.tz is None)
    return bool(pa.types.is_string(found) and wanted == pa.uuid())


def _loses(column: pa.ChunkedArray, fitted: pa.ChunkedArray) -> bool:
    """Whether floats were rounded, which Arrow's casts do in silence."""
    if not (pa.types.is_floating(column.type) and pa.types.is_floating(fitted.type)):
        return False
    back = fitted.cast(column.type)
    same = pc.or_(pc.equal(back, column), pc.and_(pc.is_nan(back), pc.is_nan(column)))
    return not pc.all(pc.fill_null(same, True), min_count=0).as_py()
