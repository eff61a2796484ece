"""The SQL of a frame, over the tables of the lake and in words of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lakeq.engines.shadow import Shadow
from lakeq.planner.printing import find_free, name_tables, tidy_query


@dataclass(frozen=True, slots=True)
class Source:
    """What a frame begins with: a table of the lake, or the query `sql` (then `name` is empty)."""

    name: str = ""
    sql: str = ""


def print_frame(sql: str, sources: Mapping[str, Source], shadow: Shadow) -> str:
    """`sql`, which speaks of tables in the shadow, as a query over the lake. Queries come first."""
    tables = {source.name for source in sources.values() if source.name}
    queries = list(dict.fromkeys(source.sql for source in sources.values() if source.sql))
    names: dict[str, str] = {}
    for query in queries:
        names[query] = find_free("query", tables | {*names.values()}, queries)
    text = name_tables(sql, {tag: source.name or names[source.sql] for tag, source in sources.items()})
    for keeps_brackets in (False, True):
        tidy = tidy_query(text, keeps_brackets)
        if shadow.means_same(text, tidy):
            text = tidy
            break
    if not queries:
        return text
    begin = ", ".join(f"{names[query]} AS (\n{query}\n)" for query in queries)
    return f"WITH {begin}" + (f", {text[5:]}" if text.startswith("WITH ") else f"\n{text}")
