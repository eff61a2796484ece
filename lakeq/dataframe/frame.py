"""DataFrame: a query put together by verbs. It becomes SQL, and is planned, priced and run like any other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NoReturn, Protocol

import narwhals as nw
import pyarrow as pa

from lakeq.dataframe.batches import even_batches
from lakeq.dataframe.faults import building, check_columns, no_such_verb
from lakeq.dataframe.printing import Source, print_frame
from lakeq.dataframe.split import split_conditions
from lakeq.engines.shadow import Shadow
from lakeq.errors import ForkedProcessError, QueryError, UnsupportedVerbError
from lakeq.planner.estimate import Estimate
from lakeq.planner.parse import DIALECT
from lakeq.planner.plan import ScanPlan
from lakeq.result import Result

Expression = nw.Expr | str
"""An expression, or the name of a column."""

JoinKind = Literal["inner", "left", "full", "cross", "semi", "anti"]
Limit = int | str | None
Cost = Decimal | float | str | None


class Runner(Protocol):
    """What a DataFrame asks of its Lake; see there."""

    def plan(
        self, sql: str, params: None = None, exact: bool = False, dialect: str | None = None
    ) -> ScanPlan:
        """The plan of a query."""

    def estimate(
        self, sql: str, params: None = None, exact: bool = False, dialect: str | None = None
    ) -> Estimate:
        """What a query would scan and cost."""

    def explain(self, sql: str, params: None = None, exact: bool = False, dialect: str | None = None) -> str:
        """The plan as text."""

    def sql(
        self,
        sql: str,
        params: None = None,
        max_bytes: Limit = None,
        max_cost: Cost = None,
        dialect: str | None = None,
        engine: str | None = None,
    ) -> Result:
        """The query, planned and within its limits."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where a frame belongs: what runs it, and where its verbs are bound."""

    lake: Runner
    shadow: Shadow


def open_frame(home: Home, source: Source, columns: Sequence[tuple[str, str]]) -> DataFrame:
    """All rows of a table or query that gives these columns, of these DuckDB types."""
    tag, relation = home.shadow.table(source.sql or source.name, columns)
    return DataFrame(nw.from_native(relation), home, {tag: source})


class DataFrame:
    """Rows that are not read yet. `Lake.table` and `Result.lazy` give one; each verb gives another.

    Verbs are Polars', as far as SQL has them; expressions are made by `lakeq.col`, `lakeq.lit`, `lakeq.when`
    and their kin. A verb reads nothing: it is checked against the columns. `plan`, `estimate` and `explain`
    read listings and footers; `collect`, `result`, `to_…` and `show` run the query.

        lake.table("events").filter(lakeq.col("day") == 3).group_by("kind").agg(lakeq.len()).collect()
    """

    __slots__ = ("_frame", "_home", "_sources")

    def __init__(self, frame: nw.LazyFrame[Any], home: Home, sources: Mapping[str, Source]) -> None:
        """`sources` are what the frame reads, by their names in the shadow."""
        self._frame = frame
        self._home = home
        self._sources = dict(sources)

    def __reduce__(self) -> NoReturn:
        raise ForkedProcessError(
            "A DataFrame cannot be sent to another process. Send its sql(), or the rows that collect() gives."
        )

    def __repr__(self) -> str:
        shown = ", ".join(self.columns)
        return f"DataFrame of {len(self.columns)} columns, not read: {shown}\n{self.sql()}"

    def __getattr__(self, name: str) -> Any:
        raise no_such_verb(name)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self._relation.columns)

    @property
    def schema(self) -> pa.Schema:
        """The columns as `collect` gives them, as an Arrow schema."""
        return self._home.shadow.schema(self._relation)

    def filter(self, *conditions: nw.Expr, **equal: Any) -> DataFrame:
        """The rows for which all conditions are true; `filter(day=3)` is `filter(lakeq.col("day") == 3)`."""
        return self._apply("filter", *conditions, **equal)

    def select(self, *columns: Expression, **named: Expression) -> DataFrame:
        """These columns only. Aggregates alone give one row."""
        check_columns(columns, self.columns)
        return self._apply("select", *columns, **named)

    def with_columns(self, *columns: nw.Expr, **named: Any) -> DataFrame:
        """All columns, with these added, or in the place of those of their names."""
        return self._apply("with_columns", *columns, **named)

    def group_by(self, *keys: Expression, drop_null_keys: bool = False) -> GroupBy:
        """Groups of rows with the same keys; `agg` says what is told of each."""
        check_columns(keys, self.columns)
        return GroupBy(self, keys, drop_null_keys)

    def join(
        self,
        other: DataFrame,
        on: str | list[str] | None = None,
        how: JoinKind = "inner",
        *,
        left_on: str | list[str] | None = None,
        right_on: str | list[str] | None = None,
        suffix: str = "_right",
    ) -> DataFrame:
        """Rows of both where the keys are equal. Of a column that both have, the other's gets the suffix.

        UnsupportedVerbError for a frame of another Lake: one query cannot read both.
        """
        if not isinstance(other, DataFrame):
            raise UnsupportedVerbError(f"join() takes a DataFrame of this Lake, not {type(other).__name__}")
        if other._home is not self._home:
            raise UnsupportedVerbError(
                "Frames of two Lakes cannot be joined: one query reads one lake. Connect to a folder above "
                "both, name both tables in one lakeq.toml, or join what collect() gives"
            )
        left, right = _names_in(left_on or on), _names_in(right_on or on)
        check_columns(left, self.columns)
        check_columns(right, other.columns)
        options = {"on": on, "how": how, "left_on": left_on, "right_on": right_on, "suffix": suffix}
        joined = self._apply("join", other._frame, **options)
        return DataFrame(joined._frame, self._home, {**self._sources, **other._sources})

    def sort(
        self, *by: str, descending: bool | Sequence[bool] = False, nulls_last: bool = False
    ) -> DataFrame:
        """The rows in the order of these columns."""
        check_columns(by, self.columns)
        return self._apply("sort", *by, descending=descending, nulls_last=nulls_last)

    def head(self, n: int = 5) -> DataFrame:
        """The first `n` rows; of rows that are not sorted, any."""
        if not isinstance(n, int) or n < 0:
            raise UnsupportedVerbError(f"head() takes a number of rows, not {n!r}")
        return self._apply("head", n)

    def limit(self, n: int = 5) -> DataFrame:
        """`head`, by SQL's name."""
        return self.head(n)

    def unique(
        self,
        subset: str | Sequence[str] | None = None,
        *,
        keep: Literal["any", "none", "first", "last"] = "any",
        order_by: str | Sequence[str] | None = None,
    ) -> DataFrame:
        """One row of those that are equal, in all columns or in `subset`; which one, `keep` and `order_by`
        say. `keep="none"`: only rows that have no equal."""
        check_columns([*_names_in(subset), *_names_in(order_by)], self.columns)
        if subset is None and keep == "any":
            return self._bind("unique", lambda relation: relation.distinct())
        names = None if subset is None else _names_in(subset)
        return self._apply("unique", names, keep=keep, order_by=_names_in(order_by) or None)

    def drop(self, *columns: str) -> DataFrame:
        """All columns but these."""
        check_columns(columns, self.columns)
        return self._apply("drop", *columns)

    def rename(self, names: Mapping[str, str]) -> DataFrame:
        """The same columns; `names` maps old names to new ones."""
        check_columns([*names], self.columns)
        return self._apply("rename", dict(names))

    def drop_nulls(self, subset: str | Sequence[str] | None = None) -> DataFrame:
        """The rows without NULL, in all columns or in `subset`."""
        check_columns(_names_in(subset), self.columns)
        return self._apply("drop_nulls", subset)

    def split(self, *, key: str, **shares: float) -> dict[str, DataFrame]:
        """Frames with a share of the keys each: `split(train=0.8, test=0.2, key="user_id")`.

        All rows of a key are in one part, the same one in every run, on every machine and version: MD5 of the
        key's text decides. Rows without a key are in the first part. Parts do not overlap; when the shares
        sum to 1, no row is in none. QueryError for shares that cannot be, and keys such as floats.
        """
        check_columns([key], self.columns)
        relation = self._relation
        kinds = {n.casefold(): str(t) for n, t in zip(relation.columns, relation.types, strict=True)}
        conditions = split_conditions(shares, key, kinds[key.casefold()])
        return {
            name: self._bind("split", lambda relation, text=text: relation.filter(text))
            for name, text in conditions.items()
        }

    def sql(self) -> str:
        """The query in DuckDB's SQL, as it is planned and run."""
        return print_frame(self._relation.sql_query(), self._sources, self._home.shadow)

    def plan(self, exact: bool = False) -> ScanPlan:
        """What it would read; see `Lake.plan`."""
        return self._home.lake.plan(self.sql(), exact=exact, dialect=DIALECT)

    def estimate(self, exact: bool = False) -> Estimate:
        """What it would scan and cost; see `Lake.estimate`."""
        return self._home.lake.estimate(self.sql(), exact=exact, dialect=DIALECT)

    def explain(self, exact: bool = False) -> str:
        """The plan as text: what is read, what pruned it, what could not."""
        return self._home.lake.explain(self.sql(), exact=exact, dialect=DIALECT)

    def result(self, max_bytes: Limit = None, max_cost: Cost = None, engine: str | None = None) -> Result:
        """The query, planned and within its limits (see `Lake.sql`): to be read, watched or cancelled."""
        return self._home.lake.sql(
            self.sql(), max_bytes=max_bytes, max_cost=max_cost, dialect=DIALECT, engine=engine
        )

    def collect(self, max_bytes: Limit = None, max_cost: Cost = None, engine: str | None = None) -> pa.Table:
        """All rows as an Arrow table. BudgetExceededError before it reads more than a limit."""
        return self.result(max_bytes, max_cost, engine).arrow()

    def to_pandas(self, max_bytes: Limit = None, max_cost: Cost = None, engine: str | None = None) -> Any:
        """All rows as a pandas DataFrame."""
        return self.result(max_bytes, max_cost, engine).df()

    def to_polars(self, max_bytes: Limit = None, max_cost: Cost = None, engine: str | None = None) -> Any:
        """All rows as a Polars DataFrame."""
        return self.result(max_bytes, max_cost, engine).pl()

    def to_batches(
        self,
        columns: Sequence[str] | None = None,
        batch_size: int | None = None,
        max_bytes: Limit = None,
        max_cost: Cost = None,
        engine: str | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """The rows as record batches, streamed as they are made: `columns` of them, `batch_size` rows a batch
        (the last one has fewer). An error at the end makes them all void."""
        if batch_size is not None and batch_size < 1:
            raise QueryError(f"batch_size is {batch_size}: it must be a number of rows above 0")
        wanted = self if columns is None else self.select(*columns)
        batches = wanted.result(max_bytes, max_cost, engine).batches()
        return batches if batch_size is None else even_batches(batches, batch_size)

    def show(self, rows: int = 20, engine: str | None = None) -> None:
        """Print the first rows as a table. Asks for these only."""
        self.head(rows).result(engine=engine).show(rows)

    @property
    def _relation(self) -> Any:
        return self._frame.to_native()

    def _apply(self, verb: str, *arguments: Any, **named: Any) -> DataFrame:
        """narwhals' verb on the frame, with its errors as ours."""
        with building(self._home.shadow, self.columns, verb):
            frame = DataFrame(getattr(self._frame, verb)(*arguments, **named), self._home, self._sources)
            columns = [name.casefold() for name in frame.columns]
        for name in columns:
            if columns.count(name) > 1:
                raise UnsupportedVerbError(
                    f"{verb}() gives two columns called '{name}'. Use alias() or rename()"
                )
        return frame

    def _bind(self, verb: str, change: Any) -> DataFrame:
        """What narwhals has no verb for, or a worse one: `change` takes and gives a DuckDB relation."""
        with building(self._home.shadow, self.columns, verb):
            return DataFrame(nw.from_native(change(self._relation)), self._home, self._sources)


@dataclass(frozen=True, slots=True)
class GroupBy:
    """The rows of a frame in groups."""

    frame: DataFrame
    keys: Sequence[Any]
    drop_null_keys: bool

    def agg(self, *aggregates: nw.Expr, **named: nw.Expr) -> DataFrame:
        """One row a group: its keys, and these aggregates of its rows."""
        frame = self.frame
        with building(frame._home.shadow, frame.columns, "agg"):
            rows = frame._frame.drop_nulls(list(self.keys)) if self.drop_null_keys else frame._frame
            groups = rows.group_by(*self.keys)
            return DataFrame(groups.agg(*aggregates, **named), frame._home, frame._sources)


def _names_in(names: str | Iterable[str] | None) -> list[str]:
    if names is None:
        return []
    return [names] if isinstance(names, str) else list(names)
