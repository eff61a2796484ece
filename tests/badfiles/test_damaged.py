"""A small sample of damaged files, and what the judge makes of outcomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import lakeq
from tests.badfiles.judge import (
    APART,
    DEFECT,
    LENIENT,
    REFUSED,
    RIGHT,
    UNSEEN,
    judge_damaged,
    judge_file,
)
from tests.badfiles.mutate import damage, make_bases
from tests.badfiles.reading import read_by_decoder, read_table

WHOLE = {"rows": 3, "digest": "a"}
REFUSAL = {"error": "CorruptFileError", "message": "broken"}


def answers(count: Any, select: Any, **more: Any) -> dict[str, Any]:
    return {"count": count, "select": select, **more}


@pytest.mark.parametrize("base", ["csv", "json.gz", "snappy.parquet", "zlib.orc"])
def test_a_damaged_file_is_refused_or_read_as_others_read_it(tmp_path: Path, base: str) -> None:
    kind, data = make_bases()[base]
    copies = [data, *(each.data for each in list(damage(base, data, seed=5, copies=2))[::9])]
    for number, copy in enumerate(copies):
        (tmp_path / f"t{number}").mkdir()
        (tmp_path / f"t{number}" / f"a.{base}").write_bytes(copy)
    (tmp_path / "lakeq.toml").write_text("".join(f"[tables.t{number}]\n" for number in range(len(copies))))
    with lakeq.connect(tmp_path / "lakeq.toml", history=False, cache=False) as lake:
        outcomes = [read_table(lake, f"t{number}") for number in range(len(copies))]
    whole = outcomes[0]["select"]
    assert whole["rows"] == 300
    verdicts = [
        judge_damaged(
            kind,
            outcome,
            answers(REFUSAL, REFUSAL),
            {"decoder": read_by_decoder(tmp_path / f"t{number}" / f"a.{base}", kind)},
            whole,
        )
        for number, outcome in enumerate(outcomes)
    ]
    assert {verdict.verdict for verdict in verdicts} <= {RIGHT, REFUSED, UNSEEN}, verdicts
    assert REFUSED in {verdict.verdict for verdict in verdicts}


@pytest.mark.parametrize(
    ("count", "select", "verdict"),
    [
        ({"rows": 3}, {"rows": 3, "digest": "a"}, RIGHT),
        ({"rows": 2}, {"rows": 2, "digest": "b"}, DEFECT),
        ({"rows": 3}, {"rows": 2, "digest": "b"}, DEFECT),
        ({"rows": 3}, REFUSAL, DEFECT),
        ({"fault": "TypeError"}, {"rows": 3, "digest": "a"}, DEFECT),
        (REFUSAL, REFUSAL, REFUSED),
    ],
    ids=str,
)
def test_rows_that_are_missing_and_foreign_errors_are_defects(count: Any, select: Any, verdict: str) -> None:
    found = answers(count, select)
    assert judge_file("json", found, found, {"decoder": WHOLE}, None, False).verdict == verdict


def test_a_process_that_ends_is_a_defect() -> None:
    ended = {"process": {"fault": "crash: SIGABRT"}}
    assert judge_file("orc", ended, ended, {}, None, False).verdict == DEFECT
    assert judge_damaged("orc", ended, ended, {}, WHOLE).verdict == DEFECT


def test_what_lakeq_reads_and_others_refuse_is_told() -> None:
    found = answers({"rows": 3}, dict(WHOLE))
    assert judge_file("json", found, found, {"decoder": REFUSAL}, None, False).verdict == LENIENT
    assert judge_file("json", found, found, {"decoder": WHOLE}, None, is_broken=True).verdict == LENIENT
    refused = answers(REFUSAL, REFUSAL)
    assert judge_file("parquet", found, refused, {"decoder": WHOLE}, None, False).verdict == APART


def test_of_a_damaged_file_an_answer_is_unseen_damage_only_where_others_read_it_alike() -> None:
    changed = answers({"rows": 3}, {"rows": 3, "digest": "b"})
    verdicts = [
        judge_damaged("orc", changed, changed, {"decoder": other}, WHOLE).verdict
        for other in ({"rows": 3, "digest": "b"}, {"rows": 3, "digest": "c"}, REFUSAL)
    ]
    assert verdicts == [UNSEEN, APART, LENIENT]
