"""Partition projection: ranges and lists from which an engine computes partitions, instead of listing them.

The rules are those of Athena (Amazon Athena User Guide, "Supported types for partition projection") and of
Trino's Hive connector, which knows no interval above days. A projection is proposed only if it gives back
every folder that there is, letter by letter.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from lakeq.catalog.hive_names import escape_hive
from lakeq.catalog.layout import Layout
from lakeq.ddl.subject import Subject
from lakeq.formats.base import Column

MOST_PARTITIONS = 1_000_000
"""Athena scans no more partitions of a table in one query."""
MOST_LISTED = 10_000
"""Up to so many partitions are listed rather than injected, which a query must give a value for."""
_MOST_VALUES = 1_000
_DENSEST_UNJUDGED = 1_000
_LEAST_DENSITY = 0.05
_YEARS_AHEAD = 10
_MOST_DAYS_AHEAD = 31
_CALENDAR = {"year": (1900, 2200), "month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59)}

Unit = Literal["DAYS", "HOURS", "MONTHS"]
_FORMS: tuple[tuple[str, str, str, Unit], ...] = (
    (r"\d{4}-\d\d-\d\d", "%Y-%m-%d", "yyyy-MM-dd", "DAYS"),
    (r"\d{8}", "%Y%m%d", "yyyyMMdd", "DAYS"),
    (r"\d{4}-\d\d-\d\d-\d\d", "%Y-%m-%d-%H", "yyyy-MM-dd-HH", "HOURS"),
    (r"\d{10}", "%Y%m%d%H", "yyyyMMddHH", "HOURS"),
    (r"\d{4}-\d\d", "%Y-%m", "yyyy-MM", "MONTHS"),
    (r"\d{6}", "%Y%m", "yyyyMM", "MONTHS"),
)
"""Texts that name a moment: their pattern, Python's and Java's way to spell them, and their step."""


@dataclass(frozen=True, slots=True)
class Projection:
    """What a partition key is computed from. `count` is how many values that are today; `note` says what
    whoever runs the statements must know."""

    kind: Literal["integer", "date", "enum", "injected"]
    count: int
    low: str = ""
    high: str = ""
    digits: int = 0
    form: str = ""
    unit: Unit | None = None
    values: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the partitions of a table cannot be projected."""

    reason: str


def find_projections(subject: Subject, today: dt.date, has_months: bool) -> tuple[Projection, ...] | Refusal:
    """A projection for each key of the table, or why there is none for all of them.

    `has_months`: whether the engine steps by months. New days, hours, months and ten more years are within
    what is projected; new values of other keys are not.
    """
    layout = subject.table.layout
    reason = _find_obstacle(subject)
    if reason:
        return Refusal(reason)
    texts = [_distinct(subject, i) for i in range(len(subject.keys))]
    padded = _are_padded(subject.keys, texts)
    found: list[Projection] = []
    for key, values in zip(subject.keys, texts, strict=True):
        projection = _project_key(key, values, today, has_months, padded)
        if isinstance(projection, Refusal):
            if len(subject.folders) <= MOST_LISTED or not _can_be_injected(key.type):
                return projection
            projection = Projection(
                "injected",
                1,
                note=f"each query needs a condition {key.name} = …, for it has {len(values):,} values",
            )
        found.append(projection)
    if math.prod(projection.count for projection in found) > MOST_PARTITIONS:
        return Refusal(
            f"the values of {', '.join(layout.keys)} have more than {MOST_PARTITIONS:,} combinations"
        )
    return tuple(found)


def location_template(layout: Layout, location: str) -> str:
    """Where the partition of some values lies, with `${key}` for each key, in small letters."""
    return location + re.sub(
        r"\{([^{}:]*)(?::[^{}]*)?\}",
        lambda match: "${" + match.group(1).strip().lower() + "}",
        layout.template,
    )


def needs_template(layout: Layout) -> bool:
    """Whether folders are named otherwise than engines name them by themselves."""
    return not layout.is_hive or any(key != key.lower() for key in layout.keys)


def _find_obstacle(subject: Subject) -> str | None:
    """Why no projection gives back the folders; None: one may."""
    layout = subject.table.layout
    if "$" in layout.template:
        return "a folder has $ in its name"
    pieces = re.split(r"\{([^{}:]*)(?::[^{}]*)?\}", layout.template)
    for folder in subject.folders:
        if None in folder.texts:
            name = subject.keys[folder.texts.index(None)].name
            return f"{name} is NULL in {folder.path}"
        values = dict(zip(layout.keys, folder.texts, strict=True))
        spelled = "".join(str(values[piece.strip()]) if i % 2 else piece for i, piece in enumerate(pieces))
        if spelled != folder.path:
            return f"folder {folder.path} is not spelled as the others"
        for text in folder.texts:
            if text is None or escape_hive(text) != text or text != text.strip() or "," in text:
                return f"the value {text!r} has characters that a projection does not keep"
    return None


def _distinct(subject: Subject, number: int) -> list[str]:
    return sorted({str(folder.texts[number]) for folder in subject.folders})


def _project_key(
    key: Column, texts: Sequence[str], today: dt.date, has_months: bool, padded: bool | None
) -> Projection | Refusal:
    kind = key.type
    if pa.types.is_integer(kind):
        return _project_integer(key.name, texts, padded)
    if pa.types.is_date(kind) or pa.types.is_string(kind):
        moments = _project_moments(key.name, texts, today, has_months)
        if moments is not None:
            return moments
    if not pa.types.is_string(kind):
        return Refusal(f"there is no projection for the values of {key.name}")
    if len(texts) > _MOST_VALUES:
        return Refusal(f"{key.name} has {len(texts):,} values")
    return Projection(
        "enum",
        len(texts),
        values=tuple(texts),
        note=f"{key.name} has the values of today: write the statements anew for others",
    )


def _can_be_injected(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_date(kind))


def _project_integer(name: str, texts: Sequence[str], padded: bool | None) -> Projection | Refusal:
    numbers = [int(text) for text in texts]
    width = len(texts[0])
    is_padded = all(len(text) == width and text == str(int(text)).zfill(width) for text in texts)
    is_plain = all(text == str(int(text)) for text in texts)
    if not (is_padded or is_plain) or min(numbers) < 0:
        return Refusal(f"some values of {name} have leading zeros, or a sign, and some have none")
    low, high = min(numbers), max(numbers)
    first, last = _CALENDAR.get(name.casefold(), (1, 0))
    if not first <= low <= high <= last:
        count = high - low + 1
        if count > _DENSEST_UNJUDGED and len(texts) < count * _LEAST_DENSITY:
            return Refusal(f"{name} has {len(texts):,} values between {low} and {high}")
        digits = 0 if is_plain else width
        note = f"{name} is projected from {low} to {high}: write the statements anew for others"
        return Projection("integer", count, str(low), str(high), digits, note=note)
    if name.casefold() == "year":
        high += _YEARS_AHEAD
        note = f"{name} is projected up to {high}"
        return Projection("integer", high - low + 1, str(low), str(high), 0 if is_plain else width, note=note)
    note = ""
    if is_padded and is_plain and width == 2:
        is_plain = padded is False
        if padded is None:
            note = f"{name} is taken to be spelled with two digits, as in 03: no folder tells"
    digits = 0 if is_plain else width
    return Projection("integer", last - first + 1, str(first), str(last), digits, note=note)


def _are_padded(keys: Iterable[Column], texts: Iterable[Sequence[str]]) -> bool | None:
    """Whether small numbers of the calendar's keys have a leading zero; None where there is none to tell."""
    seen = {
        text.startswith("0")
        for key, values in zip(keys, texts, strict=True)
        if key.name.casefold() in _CALENDAR
        for text in values
        if (text.startswith("0") and len(text) == 2) or len(text) == 1
    }
    return seen.pop() if len(seen) == 1 else None


def _project_moments(
    name: str, texts: Sequence[str], today: dt.date, has_months: bool
) -> Projection | Refusal | None:
    """The projection of texts that all name a moment in one form; None when they do not."""
    fitting = (form for form in _FORMS if all(re.fullmatch(form[0], text) for text in texts))
    form = next(fitting, None)
    if form is None:
        return None
    _, spelling, java, unit = form
    try:
        moments = [dt.datetime.strptime(text, spelling) for text in texts]
    except ValueError:
        return None
    low, high = min(moments), max(moments)
    if low.year < 1900 or high.year > 2200:
        return None
    if unit == "MONTHS" and not has_months:
        return Refusal(f"{name} names months, and the engine projects days and hours only")
    ahead = (high.date() - today).days
    last, note = "NOW", ""
    if ahead > _MOST_DAYS_AHEAD:
        last = high.strftime(spelling)
        if low == high:  # an engine wants a range
            low -= dt.timedelta(days=31)
        note = f"{name} is projected up to {last}, its last value"
    elif ahead > 0:
        last = f"NOW+{ahead}DAYS"
    end = max(high, dt.datetime.combine(today, dt.time(23)))
    steps = {"DAYS": (end - low).days, "HOURS": int((end - low).total_seconds()) // 3600}
    steps["MONTHS"] = (end.year - low.year) * 12 + end.month - low.month
    return Projection("date", steps[unit] + 1, low.strftime(spelling), last, form=java, unit=unit, note=note)
