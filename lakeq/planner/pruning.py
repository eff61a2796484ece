"""Turn the condition on a table reference into SQL over the index: which files, which row groups may matter.

Partition columns are known exactly for each file, so a condition over them alone, whatever its functions,
is simply evaluated. A comparison with a data column asks the row group's bounds; one with the column of a
declared `time` asks those that the folder promises. Everything else is TRUE. No I/O here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from lakeq.catalog.database import partition_column
from lakeq.catalog.prefixes import PrefixFilter
from lakeq.catalog.table import MODIFIED_COLUMN, PATH_COLUMN, SIZE_COLUMN, Table
from lakeq.catalog.time_mapping import TimeBounds, find_leaf, promised_bounds
from lakeq.formats.detect import FORMATS
from lakeq.formats.types import quote_name
from lakeq.planner.bounds import Leaf, bound_condition, footer_leaf
from lakeq.planner.logic import conjuncts, is_deterministic, is_true, may_be_true
from lakeq.planner.scan import Missed
from lakeq.planner.time_parts import asks_for_part, hide_bounds


@dataclass(frozen=True, slots=True)
class Pruning:
    """May-match conditions for one table reference. None: nothing can be left out at that level.

    `files` speaks of the index's files, `row_groups` of its row groups (`bounds` are the leaves it needs);
    the `guarded` forms give the same answers but keep what fails to evaluate. `predicate` is what pruned, in
    the user's names; `missed` what did not, with reasons. `derived` are columns that `files` speaks of beside
    the index's own: SQL over the partition columns, by name; there are some when a declared `time` prunes.
    """

    files: str | None
    row_groups: str | None
    guarded_files: str | None
    guarded_row_groups: str | None
    bounds: tuple[str, ...]
    predicate: str
    missed: tuple[Missed, ...]
    derived: Mapping[str, str]


def plan_pruning(table: Table, predicate: exp.Expr, missed: Sequence[Missed]) -> Pruning:
    """The pruning that `predicate` (columns by name only) allows on `table`."""
    view = _TableView(table)
    nodes = [node for node in conjuncts(predicate) if not is_true(node)]
    files = [f for f in (view.render(node, guarded=False, bounds=False) for node in nodes) if f]
    groups: list[str] = []
    guarded: list[str] = []
    used: list[exp.Expr] = []
    left_out: list[Missed] = []
    for node in nodes:
        group = view.render(node, guarded=False, bounds=view.has_bounds)
        by_file = view.render(node, guarded=False, bounds=False)
        if group and group != by_file:
            groups.append(group)
            guarded.append(view.render(node, guarded=True, bounds=True) or "TRUE")
        if group or by_file:
            used.append(may_be_true(node, view.is_known))
        else:
            left_out.append(Missed(node.sql("duckdb"), view.explain(node), node=node))
    guarded_files = [f for f in (view.render(node, guarded=True, bounds=False) for node in nodes) if f]
    return Pruning(
        files=" AND ".join(files) or None,
        row_groups=" AND ".join(groups) or None,
        guarded_files=" AND ".join(guarded_files) or None,
        guarded_row_groups=" AND ".join(guarded) or None,
        bounds=tuple(dict.fromkeys(view.leaves)),
        predicate=" AND ".join(node.sql("duckdb") for node in used),
        missed=(*missed, *left_out),
        derived=view.derived
        if any(name in condition for condition in files for name in view.derived)
        else {},
    )


def plan_prefixes(table: Table, predicate: exp.Expr) -> PrefixFilter:
    """What `predicate` (columns by name only) asks of the partition values in a prefix of `table`."""
    nodes = [node for node in conjuncts(predicate) if not is_true(node)]

    def render(known: frozenset[int]) -> tuple[str | None, ...]:
        view = _TableView(table, known)
        plain = [view.render(node, guarded=False, bounds=False) for node in nodes]
        guarded = [view.render(node, guarded=True, bounds=False) for node in nodes]
        return tuple(" AND ".join(part for part in parts if part) or None for parts in (plain, guarded))

    every = {column.name.casefold(): i for i, column in enumerate(table.partition_columns)}
    view = _TableView(table, frozenset(every.values()))
    keys: set[int] = set()
    for node in nodes:
        view.has_promised = False
        if view.render(node, guarded=False, bounds=False) is not None:
            mentioned = {column.name.casefold() for column in node.find_all(exp.Column)}
            keys |= {every[name] for name in mentioned if name in every}
            if view.has_promised and table.time is not None:
                keys |= set(table.time.positions(table.partition_columns))
    return PrefixFilter(frozenset(keys), render)


class _TableView:
    """How one table's columns look from the index; or, with `known`, from a prefix that tells these keys."""

    def __init__(self, table: Table, known: frozenset[int] | None = None) -> None:
        self.table = table
        self.has_bounds = FORMATS[table.format].has_footers
        # What was found of a node, which is kept with it so that its id stays its own.
        self._constants: dict[tuple[int, bool], tuple[exp.Expr, str | None]] = {}
        self._bounded: dict[tuple[int, bool, bool], tuple[exp.Expr, tuple[str, str] | None]] = {}
        self.leaves: list[str] = []
        self._exact = {
            column.name.casefold(): partition_column(i)
            for i, column in enumerate(table.partition_columns)
            if known is None or i in known
        }
        prefix = exp.Literal.string(table.store_root.rstrip("/") + "/").sql("duckdb")
        self._per_file = {
            PATH_COLUMN: f"({prefix} || path)",
            SIZE_COLUMN: "size",
            MODIFIED_COLUMN: "modified",
        }
        if known is not None:
            self._per_file = {}
        self.has_promised = False
        self.derived: dict[str, str] = {}
        self._promised = self._promise(known)

    def _promise(self, known: frozenset[int] | None) -> Leaf | None:
        """The column of a declared `time` with the bounds that partition values promise, if any. Of the few
        rows of a prefix they are written out; of an index they are columns of their own."""
        time = self.table.time
        leaf = None if time is None else find_leaf(self.table.columns, time.column)
        if time is None or leaf is None:
            return None
        bounds = promised_bounds(time, self.table.partition_columns, leaf[1], known)
        if bounds is None:
            return None
        if known is None:
            names = [quote_name(f"{side}:{leaf[0]}") for side in ("from", "to")]
            self.derived = dict(zip(names, (bounds.low, bounds.high), strict=True))
            bounds = TimeBounds(*names)
        return Leaf(*leaf, bounds.low, bounds.high, None)

    def render(self, node: exp.Expr, guarded: bool, bounds: bool, negated: bool = False) -> str | None:
        """The may-match SQL of `node` (or NOT `node`); None stands for TRUE."""
        node = node.unnest()
        if isinstance(node, exp.Not):
            return self.render(node.this, guarded, bounds, not negated)
        if isinstance(node, exp.And | exp.Or):
            sides = [self.render(side, guarded, bounds, negated) for side in (node.left, node.right)]
            known = [side for side in sides if side is not None]
            if isinstance(node, exp.And) != negated:
                return "(" + " AND ".join(known) + ")" if known else None
            return "(" + " OR ".join(known) + ")" if len(known) == 2 else None
        sql = self.constant(node, files=not bounds)
        if sql is not None:
            sql = f"NOT ({sql})" if negated else f"({sql})"
        elif (found := self.bound(node, negated, by_footer=bounds)) is not None:
            sql = found[0]
            if bounds:
                self.leaves.append(found[1])
            else:
                self.has_promised = True
        if sql is None or not guarded:
            return sql
        return f"coalesce(TRY(CASE WHEN {sql} THEN TRUE ELSE FALSE END), TRUE)"

    def constant(self, node: exp.Expr, files: bool = False) -> str | None:
        """SQL over the index for an expression that is the same for all rows of a file; None for others.

        `files` allows the hidden columns, which the index of row groups lacks.
        """
        key = (id(node), files)
        if key not in self._constants:
            self._constants[key] = (node, self._render_constant(node, files))
        return self._constants[key][1]

    def bound(self, node: exp.Expr, negated: bool, by_footer: bool) -> tuple[str, str] | None:
        """What bounds, those of footers or those promised, say about a leaf condition; see
        `bound_condition`."""
        if not by_footer and self._promised is None:
            return None
        key = (id(node), negated, by_footer)
        if key not in self._bounded:
            find = self.stored_leaf if by_footer else self.promised_leaf
            self._bounded[key] = (node, bound_condition(node, negated, find, self.constant))
        return self._bounded[key][1]

    def promised_leaf(self, node: exp.Expr) -> Leaf | None:
        """The column of the declared `time`, with the bounds that the partition values promise."""
        leaf = self.stored_leaf(node)
        return self._promised if leaf and self._promised and leaf.path == self._promised.path else None

    def _render_constant(self, node: exp.Expr, files: bool) -> str | None:
        if not is_deterministic(node):
            return None
        names = dict(self._exact)
        if files:
            names.update(self._per_file)
        if any(column.name.casefold() not in names for column in node.find_all(exp.Column)):
            return None

        hides = asks_for_part(node.sql("duckdb"))

        def replace(part: exp.Expr) -> exp.Expr:
            if not isinstance(part, exp.Column):
                return part
            name = names[part.name.casefold()]
            return exp.Var(this=hide_bounds(name) if hides else name)

        return node.transform(replace).sql("duckdb")

    def stored_leaf(self, node: exp.Expr) -> Leaf | None:
        """The stored leaf that a column reference means, with the bounds that footers tell; None for
        partition columns and the rest."""
        path: list[str] = []
        while isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
            path.insert(0, node.expression.name)
            node = node.this
        if not isinstance(node, exp.Column) or node.name.casefold() in self._exact:
            return None
        column = next((c for c in self.table.columns if c.name.casefold() == node.name.casefold()), None)
        if column is None:
            return None
        leaf, kind = column.name, column.type
        for name in path:
            fields = [kind.field(i) for i in range(kind.num_fields)] if pa.types.is_struct(kind) else []
            inner = next((f for f in fields if f.name.casefold() == name.casefold()), None)
            if inner is None:
                return None
            leaf, kind = f"{leaf}.{inner.name}", inner.type
        return None if pa.types.is_nested(kind) else footer_leaf(leaf, kind)

    def is_known(self, leaf: exp.Expr) -> bool:
        """Whether a leaf condition has a form in the index at all."""
        if self.constant(leaf, files=True) is not None:
            return True
        ways = (True, False) if self.has_bounds else (False,)
        return any(self.bound(leaf, False, by_footer) is not None for by_footer in ways)

    def explain(self, node: exp.Expr) -> str:
        """Why a condition left no file out."""
        keys = ", ".join(c.name for c in self.table.partition_columns)
        remedy = f"; a condition on {keys} would" if keys else "; the table has no partitions"
        if not is_deterministic(node):
            return "its value may change from call to call, or is not known while planning"
        columns = {c.name.casefold() for c in node.find_all(exp.Column)}
        if columns & set(self._exact):
            return f"it mixes partition columns with data columns so that every partition may match{remedy}"
        if not self.has_bounds:
            return f"it is about data columns, and {self.table.format} keeps no statistics that prune{remedy}"
        return f"row-group statistics say nothing about this kind of condition{remedy}"
