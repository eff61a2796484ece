"""Completion of SQL while it is typed: what may stand at the cursor, the likeliest first. No I/O.

The text need not be SQL yet. It is split into tokens, never parsed; what cannot be told apart gets no
completions, or a few too many.
"""

from __future__ import annotations

from collections.abc import Iterable

from lakeq.planner.completion.clauses import offer_by_clause
from lakeq.planner.completion.offers import Offer, describe_offer, offer_members, offer_quoted, offer_values
from lakeq.planner.completion.place import Place
from lakeq.planner.completion.source import Completion, CompletionSource, NamedTables
from lakeq.planner.completion.values import find_comparison
from lakeq.planner.tokens import Token, scan_tokens, take_statement

_MOST = 200
"""Completions that are given at most."""


def complete_sql(text: str, cursor: int, source: CompletionSource) -> list[Completion]:
    """What may stand at the cursor, which lies behind so many characters; the likeliest first.

    What begins with the letters typed comes before what has them inside, and that before names whose words
    begin with them. Nothing in comments, and in literals that no partition key is compared with.
    """
    cursor = min(max(cursor, 0), len(text))
    tokens = list(scan_tokens(text))
    typed = next((t for t in tokens if t.start < cursor and _holds(t, cursor)), None)
    if typed is not None and typed.kind in ("comment", "parameter"):
        return []
    tables = NamedTables(source)
    statement = take_statement([t for t in tokens if t.kind != "comment" and t is not typed], cursor)
    place = Place(text, cursor, typed, statement, tables)
    chosen = _choose(place, _offer(place, tables))
    return [Completion(o.text, o.kind, describe_offer(o), place.start) for o in chosen]


def _holds(token: Token, cursor: int) -> bool:
    """Whether the cursor stands in a token, or behind one that may still go on."""
    if token.kind in ("word", "number", "parameter", "name"):
        return cursor <= token.end
    if token.kind == "sign":
        return False
    goes_on = not token.is_closed or token.text.startswith("--")
    return cursor < token.end or (cursor == token.end and goes_on)


def _offer(place: Place, tables: NamedTables) -> Iterable[Offer]:
    """What there is to complete, whether or not it fits."""
    before, typed = place.before, place.typed
    compared = find_comparison(place.reader, place.scope, place.at)
    if typed is not None and typed.kind == "string":
        return offer_quoted(place, tables, compared)
    if typed is not None and typed.kind == "number":
        return offer_values(place, tables, compared)
    if before is not None and before.text == ".":
        return offer_members(place)
    if before is not None and before.kind == "string" and before.end == place.start:
        return ()
    return [*offer_values(place, tables, compared), *offer_by_clause(place, tables)]


def _choose(place: Place, offers: Iterable[Offer]) -> list[Offer]:
    """Those that fit what was typed, each text once, the best first."""
    chosen = []
    seen: set[tuple[str, bool]] = set()
    for number, offer in enumerate(offers):
        fit = place.matcher.fit(offer.name)
        key = (offer.text.casefold(), offer.kind == "keyword")
        if fit is not None and key not in seen:
            seen.add(key)
            chosen.append((fit, offer.rank, number, offer))
    return [offer for *_, offer in sorted(chosen, key=lambda each: each[:3])[:_MOST]]
