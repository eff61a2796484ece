"""Bind a query to the tables of a lake: which tables, which columns of each, which conditions on each.

Works on a copy of the query; what runs later is the user's own text.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from sqlglot import MappingSchema, exp
from sqlglot.errors import OptimizeError, SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope

from lakeq.catalog.table import HIDDEN_COLUMNS, Table
from lakeq.errors import TableNotFoundError, UnsupportedSqlError
from lakeq.formats.base import Column
from lakeq.formats.types import sql_type
from lakeq.planner.functions import is_system_name
from lakeq.planner.limits import must_read_all
from lakeq.planner.logic import TRUE
from lakeq.planner.metadata import HISTORY_TABLE, metadata_base
from lakeq.planner.parse import DIALECT, SLIPS, bind_parameters, number_placeholders, parse_query, pin_clock
from lakeq.planner.references import collect_references
from lakeq.planner.scan import Missed
from lakeq.planner.sources import check_names, joins_of
from lakeq.planner.synonyms import list_members, write_operators
from lakeq.planner.whole_rows import is_query_correlated

Params = Sequence[Any] | Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class TableReference:
    """One mention of a table in a query.

    `columns` are the table's columns that the query reads, nested fields as dotted paths, hidden columns
    included; `predicate` what a row must meet to matter (columns by name only). `once` says that the
    query would not notice a row counted once instead of many times. `uses` counts how often an engine that
    knows no shared results reads it: a CTE used twice is read twice. `is_whole` says that DuckDB may read all
    columns, also those that nobody asks for: see `whole_rows`.
    """

    table: str
    alias: str
    columns: tuple[str, ...]
    predicate: exp.Expr
    missed: tuple[Missed, ...] = ()
    once: bool = False
    uses: int = 1
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class BoundQuery:
    """A query and its table references. `clock` is the moment that it took for now; None if it asks none.

    `metadata` are the `"t$files"`, `"t$partitions"` and `"lakeq$history"` it reads, as written. `runnable` is
    the text to run: the user's own, save that `*` leaves out hidden columns where the query names one, and
    that what is written in another `dialect` is translated. `reads_all`: whatever engine runs it has to read
    all that the references speak of.
    """

    sql: str
    runnable: str
    references: tuple[TableReference, ...]
    metadata: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    clock: dt.datetime | None = None
    notes: tuple[str, ...] = field(default=())
    reads_all: bool = False
    dialect: str = DIALECT


def bind_query(
    sql: str,
    params: Params,
    names: Sequence[str],
    load: Callable[[str], Table],
    views: Mapping[str, str],
    now: dt.datetime,
) -> BoundQuery:
    """Bind `sql` to the tables called `names`, of which `load` gives those that the query mentions.

    Raises SqlSyntaxError, UnsupportedSqlError, TableNotFoundError. Whether every column exists is the
    engine's to say (`Engine.validate`): a column that cannot be placed here only means less pruning.
    """
    tree = parse_query(sql)
    if "?" in sql:
        tree = parse_query(number_placeholders(sql))
    tree = bind_parameters(tree, params, sql)
    used_views: dict[str, str] = {}
    tree = expand_views(tree, views, used_views)
    tree, asks_clock = pin_clock(tree, now)
    tables, metadata = resolve_tables(tree, names, load, sql)
    references, notes, reads_all = analyse(tree, tables)
    return BoundQuery(
        sql=sql,
        runnable=hide_columns(sql, references),
        references=references,
        metadata=tuple(dict.fromkeys(metadata)),
        views=tuple(used_views),
        clock=now if asks_clock else None,
        notes=notes,
        reads_all=reads_all,
    )


def bind_unparsed(
    sql: str, mentioned: Iterable[str], names: Sequence[str], load: Callable[[str], Table]
) -> BoundQuery:
    """A query that only the engine can parse: every table it mentions is read whole."""
    by_name = {name.casefold(): name for name in names}
    mentioned = tuple(mentioned)
    for name in mentioned:
        if is_system_name(name) and name.casefold() not in by_name:
            raise table_not_found(name, names)
    tables = [load(by_name[m.casefold()]) for m in mentioned if m.casefold() in by_name]
    references = tuple(whole_table(table, table.name) for table in tables)
    return BoundQuery(
        sql, sql, references, notes=("The planner cannot take this query apart: nothing was pruned.",)
    )


def whole_table(table: Table, alias: str) -> TableReference:
    """A reference that reads every column of every row."""
    return TableReference(table.name, alias, tuple(c.name for c in table.columns), TRUE.copy())


def expand_views(tree: exp.Expr, views: Mapping[str, str], used: dict[str, str], depth: int = 0) -> exp.Expr:
    """`tree` with each view replaced by its query; `used` receives the views met, inner ones first."""
    by_name = {name.casefold(): name for name in views}
    hidden = {cte.alias.casefold() for cte in tree.find_all(exp.CTE)}
    for table in list(tree.find_all(exp.Table)):
        name = by_name.get(table.name.casefold())
        if name is None or name.casefold() in hidden or table.db or depth > 32:
            continue
        body = expand_views(parse_query(views[name]), views, used, depth + 1)
        used[name] = views[name]
        alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.name, quoted=True))
        subquery = exp.Subquery(this=body, alias=alias.copy())
        for argument in ("joins", "sample", "pivots"):
            if table.args.get(argument):
                subquery.set(argument, table.args[argument])
        if table is tree:
            return subquery
        table.replace(subquery)
    return tree


def resolve_tables(
    tree: exp.Expr, names: Sequence[str], load: Callable[[str], Table], sql: str
) -> tuple[dict[str, Table], list[str]]:
    """The lake's tables that `tree` mentions, by folded name, and the metadata tables. Others are CTEs."""
    by_name = {name.casefold(): name for name in names}
    tables: dict[str, Table] = {}
    metadata: list[str] = []
    for node in tree.find_all(exp.Table):
        if not isinstance(node.this, exp.Identifier):
            continue
        name = node.name
        base = metadata_base(name)
        if name.casefold() == HISTORY_TABLE:
            metadata.append(name)
        elif base is not None and base.casefold() in by_name:
            metadata.append(name)
            load(by_name[base.casefold()])
        elif name.casefold() in by_name and not node.db:
            node.this.set("this", by_name[name.casefold()])
            tables[name.casefold()] = load(by_name[name.casefold()])
        elif not is_cte_name(node):
            raise table_not_found(".".join(p.name for p in node.parts), names)
    return tables, metadata


def is_cte_name(node: exp.Table) -> bool:
    """Whether a WITH around `node` defines its name."""
    ancestor: exp.Expr | None = node
    while ancestor is not None:
        with_ = ancestor.args.get("with_") or ancestor.args.get("with")
        if with_ is not None and any(c.alias.casefold() == node.name.casefold() for c in with_.expressions):
            return True
        if isinstance(ancestor, exp.With) and any(
            c.alias.casefold() == node.name.casefold() for c in ancestor.expressions
        ):
            return True
        ancestor = ancestor.parent
    return False


def table_not_found(name: str, names: Sequence[str]) -> TableNotFoundError:
    """The error for a table that is not there, with the nearest names."""
    near = difflib.get_close_matches(name.casefold(), [n.casefold() for n in names], n=3, cutoff=0.6)
    close = [n for n in names if n.casefold() in near]
    if close:
        hint = f"Did you mean {' or '.join(repr(n) for n in close)}?"
    elif names:
        shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        hint = f"The lake has: {shown}"
    else:
        hint = "The lake has no tables"
    return TableNotFoundError(f"Table not found: '{name}'. {hint}", name, close)


def analyse(
    tree: exp.Expr, tables: Mapping[str, Table]
) -> tuple[tuple[TableReference, ...], tuple[str, ...], bool]:
    """The table references of a resolved query, notes, and whether it reads all of them. What cannot be taken
    apart is read whole, and a note says so."""
    everything = tuple(whole_table(t, t.name) for t in tables.values())
    if not isinstance(tree, exp.Query) or not tables:
        return everything, (), False
    hidden = tuple(
        c for c in HIDDEN_COLUMNS if any(i.name.casefold() == c.name for i in tree.find_all(exp.Identifier))
    )
    if hidden and any((join.method or "").upper() == "NATURAL" for join in tree.find_all(exp.Join)):
        raise UnsupportedSqlError(
            f"NATURAL JOIN would join on {hidden[0].name} too: write USING with the columns meant"
        )
    schema: dict[str, object] = {t.name.casefold(): schema_of(t, hidden) for t in tables.values()}
    visible: dict[str, object] = {
        t.name.casefold(): [c.name.casefold() for c in t.columns] for t in tables.values()
    }
    mapping = MappingSchema(schema, visible=visible, dialect=DIALECT, normalize=False)
    try:
        qualified = list_members(qualify_names(tree.copy(), mapping))
        root = build_scope(qualified)
        if root is None:
            return everything, (), False
        check_names(qualified)
        references = tuple(collect_references(root, tables, TableReference))
        check_complete(qualified, references, tables)
        if is_query_correlated(root):
            references = tuple(with_kept(r, tables[r.table.casefold()]) for r in references)
        return references, tuple(tell_whole(references)), must_read_all(qualified, tables)
    except (SqlglotError, RecursionError, *SLIPS) as error:  # a tree may be of another form than any SQL
        reason = str(error).split("\n", maxsplit=1)[0]
        note = f"The planner cannot take this query apart ({reason}): nothing was pruned."
        return everything, (note,), False


def qualify_names(tree: exp.Query, schema: MappingSchema) -> exp.Query:
    """The tree, changed, with the table of each column and the type of each expression. SqlglotError, or one
    of its SLIPS, where that cannot be told."""
    qualified = qualify(
        tree, dialect=DIALECT, schema=schema, validate_qualify_columns=False, quote_identifiers=False
    )
    return annotate_types(write_operators(qualified), schema=schema, dialect=DIALECT)


def check_complete(tree: exp.Expr, references: Sequence[TableReference], tables: Mapping[str, Table]) -> None:
    """OptimizeError when a mention of a table has no reference: then nothing may be pruned."""
    for folded in tables:
        nodes = [n for n in tree.find_all(exp.Table) if n.name.casefold() == folded and not is_cte_name(n)]
        if len(nodes) > sum(reference.table.casefold() == folded for reference in references):
            raise OptimizeError(f"a mention of {folded} was not reached")


def with_kept(reference: TableReference, table: Table) -> TableReference:
    """The reference of a correlated query with the columns that nobody asks for and DuckDB may read: the
    partition keys, and of one that it keeps whole all others too."""
    kept = table.columns if reference.is_whole else table.partition_columns
    added = [c.name for c in kept if c.name not in reference.columns]
    is_whole = reference.is_whole and not {c.name for c in table.partition_columns}.issuperset(added)
    return replace(reference, columns=(*reference.columns, *added), is_whole=is_whole)


def tell_whole(references: Iterable[TableReference]) -> Iterator[str]:
    """A note for each table of which more is read than the query asks for."""
    for name in dict.fromkeys(reference.table for reference in references if reference.is_whole):
        yield (
            f"All columns of {name} are read: to answer a correlated subquery, the engine keeps whole rows "
            "where nothing of them is selected. Select one of its columns, as count(column) instead of "
            "count(*), and it reads only those asked for."
        )


def schema_of(table: Table, hidden: Sequence[Column]) -> dict[str, exp.DataType]:
    """Column name (folded) → sqlglot type, with the hidden columns that the query names."""
    return {column.name.casefold(): parse_type(sql_type(column.type)) for column in (*table.columns, *hidden)}


def analyse_view(
    sql: str, names: Sequence[str], load: Callable[[str], Table], views: Mapping[str, str]
) -> dict[str, exp.DataType]:
    """The types of a view's columns, by folded name; none where the view cannot be taken apart."""
    tree = expand_views(parse_query(sql), views, {})
    if not isinstance(tree, exp.Query):
        return {}
    tables, _ = resolve_tables(tree, names, load, sql)
    schema: dict[str, object] = {t.name.casefold(): schema_of(t, ()) for t in tables.values()}
    mapping = MappingSchema(schema, dialect=DIALECT, normalize=False)
    try:
        annotated = qualify_names(tree, mapping)
    except (SqlglotError, RecursionError, *SLIPS):
        return {}
    return {
        shown.alias_or_name.casefold(): shown.type for shown in annotated.selects if shown.type is not None
    }


@cache
def parse_type(text: str) -> exp.DataType:
    """sqlglot's type for a type of DuckDB's; unknown where it has none."""
    try:
        return exp.DataType.build(text, dialect=DIALECT)
    except SqlglotError:
        return exp.DataType.build("unknown")


def hide_columns(sql: str, references: Iterable[TableReference]) -> str:
    """`sql` as it is, unless it both names a hidden column of a table and uses `*` on it: then `*` excludes
    it."""
    hidden: dict[str, list[str]] = {}
    for reference in references:
        names = [c.name for c in HIDDEN_COLUMNS if c.name in reference.columns]
        known = hidden.setdefault(reference.table.casefold(), [])
        known += [name for name in names if name not in known]
    if not any(hidden.values()):
        return sql
    tree, changed = parse_query(sql), False
    for select in tree.find_all(exp.Select):
        sources = [select.args.get("from_"), *joins_of(select)]
        tables = [s.this for s in sources if s is not None and isinstance(s.this, exp.Table)]
        for projection in select.expressions:
            star = projection.this if isinstance(projection, exp.Column) else projection
            if not isinstance(star, exp.Star):
                continue
            owner = projection.table.casefold() if isinstance(projection, exp.Column) else ""
            owned = [t for t in tables if not owner or t.alias_or_name.casefold() == owner]
            left_out = dict.fromkeys(n for t in owned for n in hidden.get(t.name.casefold(), ()))
            extra = [exp.to_identifier(name, quoted=True) for name in left_out]
            if extra:
                star.set("except_", [*(star.args.get("except_") or ()), *extra])
                changed = True
    return tree.sql(DIALECT) if changed else sql
