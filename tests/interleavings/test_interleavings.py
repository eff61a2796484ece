"""A few interleavings, and proof that they can fail."""

from __future__ import annotations

import pytest

from lakeq.storage import local
from tests.faults.lake import Version
from tests.interleavings.__main__ import run
from tests.interleavings.questions import QUESTIONS, Question

LOCAL, OVER_SIM = 6, 3


def test_a_folder_that_changes_gives_the_listings_answer_or_an_error() -> None:
    tally = run(LOCAL, seed=3, over_sim=False)
    assert (tally.count, tally.failures) == (LOCAL, [])


def test_a_bucket_that_changes_gives_the_listings_answer_or_an_error() -> None:
    tally = run(OVER_SIM, seed=3, over_sim=True)
    assert (tally.count, tally.failures) == (OVER_SIM, [])


def test_files_without_versions_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "make_etag", lambda status: "any")
    assert any(run(LOCAL, seed, over_sim=False).failures for seed in range(3, 9))


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_every_question_tells_versions_apart(question: Question) -> None:
    """But for counts, where versions have as many rows."""
    first = {"p=2/f.csv": Version(40), "p=3/f.csv": Version(40)}
    other = {**first, "p=2/f.csv": Version(40, 16)}
    fewer = {"p=3/f.csv": Version(40)}
    assert question.answer(first) != question.answer(fewer)
    if question.name not in ("counts", "self-join", "view"):
        assert question.answer(first) != question.answer(other)
