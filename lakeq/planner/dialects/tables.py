"""The names of tables and of what a lake knows of a file, as other engines spell them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from lakeq.catalog.table import HIDDEN_COLUMNS, PATH_COLUMN, SIZE_COLUMN, Table
from lakeq.planner.bind import analyse_view, is_cte_name, schema_of
from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.metadata import metadata_base

Columns = Mapping[str, Mapping[str, exp.DataType]]

_HIDDEN = {
    "bigquery": {"_file_name": PATH_COLUMN},
    "spark": {"file_path": PATH_COLUMN, "file_size": SIZE_COLUMN},
}


def strip_qualifiers(tree: exp.Expr, names: Sequence[str]) -> list[str]:
    """Name the lake's tables by their last part alone, whatever database is written before it. What was read
    as what, in words. Refusal where a query means two tables by it."""
    known = {name.casefold(): name for name in names}
    written: dict[str, str] = {}
    for table in tree.find_all(exp.Table):
        if not table.db or not isinstance(table.this, exp.Identifier):
            continue
        base = metadata_base(table.name) or table.name
        if base.casefold() not in known:
            continue
        full = ".".join(part.name for part in table.parts[:-1])
        if written.setdefault(base.casefold(), full).casefold() != full.casefold():
            raise Refusal(
                f"two tables called {base}: {written[base.casefold()]}.{base} and {full}.{base}", table
            )
        table.set("db", None)
        table.set("catalog", None)
        if is_cte_name(table):
            raise Refusal(f"a WITH that is called {table.name}, as the table in it. Rename the WITH", table)
    for column in tree.find_all(exp.Column):
        if column.args.get("db") and written.get(column.table.casefold(), "").casefold().endswith(
            column.args["db"].name.casefold()
        ):
            column.set("db", None)
            column.set("catalog", None)
    return [f"{full}.{known[base]} is the lake's {known[base]}." for base, full in written.items()]


def spell_hidden_columns(tree: exp.Expr, dialect: str) -> None:
    """Exchange an engine's names for a row's file by the lake's."""
    for column in list(tree.find_all(exp.Column)):
        if dialect == "spark" and column.table.casefold() != "_metadata":
            continue
        name = _HIDDEN.get(dialect, {}).get(column.name.casefold())
        if name is not None:
            column.set("this", exp.to_identifier(name, quoted=True))
            if dialect == "spark":
                column.set("table", None)
    for call in list(tree.find_all(exp.Anonymous)):
        if dialect == "spark" and call.name.casefold() == "input_file_name" and not call.expressions:
            call.replace(exp.column(exp.to_identifier(PATH_COLUMN, quoted=True)))


def read_columns(
    tree: exp.Expr, names: Sequence[str], load: Callable[[str], Table], views: Mapping[str, str]
) -> Columns:
    """The types of the columns of each table and view that `tree` mentions, by folded names."""
    known = {name.casefold(): name for name in names}
    by_view = {name.casefold(): name for name in views}
    columns: dict[str, Mapping[str, exp.DataType]] = {}
    for table in tree.find_all(exp.Table):
        folded = table.name.casefold()
        if folded in columns or not isinstance(table.this, exp.Identifier) or table.db:
            continue
        if folded in by_view:
            columns[folded] = analyse_view(views[by_view[folded]], names, load, views)
        elif folded in known:
            table_ = load(known[folded])
            mentioned = {i.name.casefold() for i in tree.find_all(exp.Identifier)}
            columns[folded] = schema_of(table_, [c for c in HIDDEN_COLUMNS if c.name in mentioned])
    return columns
