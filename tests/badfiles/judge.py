"""What the outcomes of one file mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Outcomes = Mapping[str, Mapping[str, Any]]

RIGHT, REFUSED, LENIENT, APART, DEFECT, UNSEEN = "right", "refused", "lenient", "apart", "DEFECT", "unseen"
"""`right`: the answer is that of another decoder, or of the corpus. `refused`: an error of lakeq. `lenient`: an
answer where the other decoder refuses, or the corpus says that there is none. `apart`: decoders differ, or one of
lakeq's two refuses what the other reads. `unseen`: of a damaged file, an answer that is not that of the whole one,
but what any decoder reads in it. `DEFECT`: anything else."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The class of a file, and what is to be known of it."""

    verdict: str
    reasons: tuple[str, ...] = ()


def judge_file(
    kind: str, auto: Outcomes, arrow: Outcomes, decoder: Outcomes, rows: int | None, is_broken: bool
) -> Judgement:
    """What lakeq's two scanners made of a file, beside another decoder. `rows` is how many the corpus says that
    there are, `is_broken` whether it says that it cannot be read."""
    defects = [
        f"{scanner}: {reason}"
        for scanner, outcomes in (("native", auto), ("arrow", arrow))
        for reason in find_defects(kind, outcomes)
    ]
    if defects:
        return Judgement(DEFECT, tuple(defects))
    native, second, other = auto["select"], arrow["select"], decoder.get("decoder", {})
    answers = [answer for answer in (native, second) if "rows" in answer]
    if not answers:
        reads = (f"another decoder reads {other['rows']} rows",) if "rows" in other else ()
        return Judgement(REFUSED, (native["message"], *reads))
    apart = []
    if len(answers) == 1:
        refusing = second if "rows" in native else native
        apart.append(f"{'arrow' if 'rows' in native else 'native'} refuses: {refusing['message']}")
    elif not same_rows(native, second):
        apart.append(f"native {tell(native)}, arrow {tell(second)}")
    known = rows if rows is not None else _known_rows(kind, other, answers[0])
    for answer in answers:
        if known is not None and answer["rows"] != known:
            return Judgement(DEFECT, (f"{answer['rows']} rows, there are {known}",))
    if is_broken or (known is None and "error" in other):
        apart.append(f"read, though {'broken' if is_broken else other['message']}")
        return Judgement(LENIENT, tuple(apart))
    if kind in ("parquet", "orc") and "digest" in other and other["digest"] not in _digests(answers):
        apart.append("another decoder has other values")
    return Judgement(APART if apart else RIGHT, tuple(apart))


def judge_damaged(
    kind: str, auto: Outcomes, arrow: Outcomes, decoder: Outcomes, whole: Mapping[str, Any]
) -> Judgement:
    """The same of a file that was damaged; `whole` is what was read before it was."""
    defects = [
        f"{scanner}: {reason}"
        for scanner, outcomes in (("native", auto), ("arrow", arrow))
        for reason in find_defects(kind, outcomes)
    ]
    if defects:
        return Judgement(DEFECT, tuple(defects))
    changed = [
        (scanner, outcomes["select"])
        for scanner, outcomes in (("native", auto), ("arrow", arrow))
        if "rows" in outcomes["select"] and not same_rows(outcomes["select"], whole)
    ]
    if not changed:
        is_read = "rows" in auto["select"] or "rows" in arrow["select"]
        return Judgement(RIGHT if is_read else REFUSED)
    other = decoder.get("decoder", {})
    reasons = tuple(f"{scanner}: {tell(answer)} for {tell(whole)}" for scanner, answer in changed)
    if "rows" in other and all(_is_read_alike(kind, answer, other) for _, answer in changed):
        return Judgement(UNSEEN, reasons)
    if "rows" not in other:
        return Judgement(LENIENT, (*reasons, f"another decoder: {other.get('message', other)}"))
    return Judgement(APART, (*reasons, f"another decoder: {tell(other)}"))


def find_defects(kind: str, outcomes: Outcomes) -> Iterator[str]:
    """What is wrong whatever the file holds."""
    for name, outcome in outcomes.items():
        if "fault" in outcome:
            yield f"{name}: {outcome['fault']} {outcome.get('message', '')}"
    if "select" not in outcomes or any("fault" in outcome for outcome in outcomes.values()):
        return
    count, select = outcomes["count"], outcomes["select"]
    counted, selected = count.get("rows"), select.get("rows")
    # Footers count rows; a page that is broken is found by whoever reads it.
    if counted != selected and not (kind in ("parquet", "orc") and selected is None):
        yield f"count(*) gives {counted or count}, SELECT {selected or select}"
    for name in ("filter", "both"):
        found = None if counted is None else outcomes.get(name, {}).get("rows")
        expected = (
            None
            if counted is None
            else counted + (name == "both") * outcomes.get("others", {}).get("rows", 0)
        )
        if found is not None and found != expected and not (name == "filter" and selected is None):
            yield f"{name}: {found} rows, expected {expected}"
    if "others" in outcomes and "rows" not in outcomes["others"]:
        yield f"another table cannot be read: {outcomes['others']}"


def same_rows(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(key) == other.get(key) for key in ("rows", "digest"))


def tell(outcome: Mapping[str, Any]) -> str:
    """An outcome in a few words."""
    if "rows" in outcome:
        return f"{outcome['rows']} rows ({outcome.get('digest', 'not compared')[:6]})"
    return str(outcome.get("message") or outcome)


def _known_rows(kind: str, other: Mapping[str, Any], answer: Mapping[str, Any]) -> int | None:
    """How many rows the other decoder says there are; of CSV a first row may be a header."""
    found: int | None = other.get("rows")
    if found is None or kind != "csv":
        return found
    return found - 1 if found and answer["rows"] == found - 1 else found


def _is_read_alike(kind: str, answer: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if kind in ("parquet", "orc"):
        return same_rows(answer, other)
    return bool(answer["rows"] == _known_rows(kind, other, answer))


def _digests(answers: list[Mapping[str, Any]]) -> set[str | None]:
    return {answer.get("digest") for answer in answers}
