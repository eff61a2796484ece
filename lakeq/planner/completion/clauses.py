"""What each clause wants next: names, or keywords."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lakeq.planner.completion import keywords
from lakeq.planner.completion.offers import Offer, offer_names, offer_tables
from lakeq.planner.completion.place import Place
from lakeq.planner.completion.scope import SET_WORDS
from lakeq.planner.completion.source import NamedTables

_CASTS = ("CAST", "TRY_CAST")


def offer_by_clause(place: Place, tables: NamedTables) -> Iterator[Offer]:
    """What the clause of a place wants there."""
    clause, before = place.clause, place.word_before
    if before in keywords.NEXT_WORDS:
        yield from _offer_keywords(place, keywords.NEXT_WORDS[before])
    elif clause == "" and before in ("DESCRIBE", "SUMMARIZE", "TABLE"):
        yield from offer_tables(place, tables)
    elif clause == "" or (clause == "WITH" and before == ")"):
        yield from _offer_keywords(place, keywords.QUERIES if place.at else keywords.STATEMENTS)
    elif clause in ("FROM", "JOIN", *SET_WORDS):
        yield from _offer_in_from(place, tables)
    elif clause == "WITH" or before == "AS":
        if place.bracket_word in _CASTS:
            yield from _offer_keywords(place, keywords.TYPES)
    elif not place.expects_operand:
        yield from _offer_keywords(place, _follow_operand(place))
    elif clause not in ("LIMIT", "OFFSET"):
        yield from offer_names(place, tables)
        yield from _offer_keywords(place, _begin_operand(place), 6)


def _offer_in_from(place: Place, tables: NamedTables) -> Iterator[Offer]:
    before = place.word_before
    if before in ("ALL", "NAME") and place.clause in SET_WORDS:
        yield from _offer_keywords(place, keywords.QUERIES)
    elif before in ("FROM", "JOIN", ",", "LATERAL", "("):
        yield from offer_tables(place, tables)
        yield from _offer_keywords(place, ("SELECT", "FROM", "WITH") if before == "(" else (), 1)
    elif before != "AS":
        joined = ("ON", "USING") if place.clause == "JOIN" else ()
        words = (*joined, *keywords.clauses_after("FROM"), *keywords.JOINS, "AS", "SELECT")
        yield from _offer_keywords(place, words)


def _begin_operand(place: Place) -> tuple[str, ...]:
    """The keywords with which an operand begins."""
    if place.word_before == "SELECT":
        return ("DISTINCT", *keywords.OPERANDS)
    if place.word_before != "(":
        return keywords.OPERANDS
    windows = keywords.WINDOWS if place.bracket_word == "OVER" else ()
    return (*windows, *keywords.OPERANDS, "SELECT", "FROM", "DISTINCT")


def _follow_operand(place: Place) -> tuple[str, ...]:
    """The keywords behind an operand: what may be done with it, and the clauses that may come."""
    clause, opened = place.clause, place.bracket_word
    first = keywords.CASES if place.is_in_case else ()
    compare = (*keywords.COMPARISONS, *keywords.LOGIC)
    if place.is_compared:
        compare = (*keywords.LOGIC, *keywords.COMPARISONS)
    if opened is not None:
        within = {"CAST": ("AS",), "TRY_CAST": ("AS",), "EXTRACT": ("FROM",), "OVER": ("ORDER BY",)}
        return (*first, *within.get(opened, ()), *compare, *keywords.ORDERS)
    later = keywords.clauses_after(clause)
    if clause == "SELECT":
        call = ("OVER", "FILTER") if place.word_before == ")" else ()
        return (*first, "FROM", "AS", *call, *compare, *later)
    if clause == "ORDER":
        return (*first, *keywords.ORDERS, *later, *compare)
    if clause in ("GROUP", "LIMIT", "OFFSET"):
        return (*first, *later)
    joins = keywords.JOINS if clause in ("ON", "USING") else ()
    if place.is_compared:
        return (*first, *keywords.LOGIC, *later, *joins, *compare)
    return (*first, *compare, *later, *joins)


def _offer_keywords(place: Place, words: Iterable[str], rank: int = 0) -> Iterator[Offer]:
    """Keywords, in the letters that the user writes them in."""
    if not place.is_quoted:
        is_lower = place.types_lower
        yield from (Offer(w, w.lower() if is_lower else w, "keyword", "", rank) for w in words)
