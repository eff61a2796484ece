"""The names of a query's outputs that have none: the engine's, not those of what they are translated to."""

from __future__ import annotations

from sqlglot import exp


def name_outputs(tree: exp.Expr, dialect: str) -> None:
    """Give each output without a name the one that the engine gives it: `_col0`, `f0_`, or in Spark the text
    of the expression."""
    for select in list(tree.find_all(exp.Select)):
        if isinstance(select.parent, exp.Exists | exp.In | exp.Array):
            continue
        count, after_star = 0, False
        for position, shown in enumerate(list(select.expressions)):
            after_star = after_star or shown.is_star
            if isinstance(shown, exp.Alias | exp.Column | exp.Star | exp.Dot | exp.Aliases):
                continue
            if dialect == "spark":
                name = shown.sql("spark", comments=False, normalize_functions=False)
            elif dialect == "bigquery":
                name, count = f"f{count}_", count + 1
            elif after_star:
                continue  # which column it is only the engine knows
            else:
                name = f"_col{position}"
            alias = exp.Alias(this=shown.copy(), alias=exp.to_identifier(name, quoted=True))
            alias.type = shown.type
            shown.replace(alias)
