"""LATERAL VIEW explode(…), Hive's and Spark's, as a join with UNNEST."""

from __future__ import annotations

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal


def rewrite_laterals(tree: exp.Expr) -> None:
    """Exchange each LATERAL VIEW by the join that it is."""
    for select in list(tree.find_all(exp.Select)):
        laterals = select.args.get("laterals") or []
        if not laterals:
            continue
        select.set("laterals", None)
        for lateral in laterals:
            call, alias = lateral.this, lateral.args.get("alias")
            name = call.name.casefold() if isinstance(call, exp.Anonymous) else ""
            if name != "explode" or len(call.expressions) != 1 or len(alias.args.get("columns") or ()) > 1:
                raise Refusal(f"LATERAL VIEW {name}()", lateral)
            columns = alias.args.get("columns") or [exp.to_identifier("col")]
            unnest = exp.Unnest(
                expressions=[call.expressions[0].copy()],
                alias=exp.TableAlias(this=alias.this, columns=[c.copy() for c in columns]),
            )
            join = exp.Join(this=unnest, kind="CROSS")
            if lateral.args.get("outer"):
                join = exp.Join(this=unnest, side="LEFT", on=exp.true())
            select.append("joins", join)
