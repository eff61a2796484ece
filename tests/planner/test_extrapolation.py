"""A sample of footers: which are drawn, and what they say of the rest."""

from __future__ import annotations

import statistics

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lakeq.catalog.file_sample import CERTAIN, FileSample, draw_sample
from lakeq.planner.extrapolation import SampledBytes, extrapolate

LAKES, DRAWN = 200, 500


class Files:
    """Random files of one table, in the order in which they were written, and what a query reads of them."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        count = int(rng.integers(1_000, 10_000))
        when = np.sort(rng.uniform(0, 1, count))
        sizes = np.exp(rng.normal(13, rng.uniform(0.1, 1.5), count) + rng.uniform(-1, 2) * when)
        sizes[rng.random(count) < rng.choice([0, 0.01])] *= 50  # compacted
        self.sizes = sizes.astype(np.int64) + 500
        self.moments = (when * 1e15).astype(np.int64)
        self.lots = rng.integers(0, 2**63, count).astype(np.uint64)
        # Columns come and go; how well a file compresses is its own.
        eras = np.searchsorted(np.sort(rng.uniform(0, 1, 2)), when)
        share = rng.uniform(0.05, 0.9, 3)[eras] * np.exp(rng.normal(0, rng.uniform(0.01, 0.3), count))
        self.stored = np.minimum(self.sizes * share, self.sizes).astype(np.int64)
        kept = [
            np.ones(count),
            (when >= rng.uniform(0, 0.7)) * 1.0,  # a condition on time
            rng.binomial(5, rng.uniform(0.05, 0.95), count) / 5,  # one that some row groups meet
            (rng.random(count) < rng.uniform(0.002, 0.1)) * 1.0,  # one that few files meet
        ]
        self.read = (self.stored * kept[seed % 4]).astype(np.int64)

    def draw(self, count: int) -> FileSample:
        return draw_sample(self.sizes, self.moments, self.lots, count)

    def extrapolate(self, sample: FileSample, also_known: int = 0) -> SampledBytes:
        known = np.zeros(len(self.sizes), dtype=bool)
        known[sample.drawn] = True
        known[:also_known] = True
        return extrapolate(self.sizes, known, self.read * known, self.stored * known, sample)


def test_the_interval_holds_the_truth_in_19_of_20_lakes() -> None:
    hits, widths = 0, []
    for seed in range(LAKES):
        files = Files(seed)
        told = files.extrapolate(files.draw(DRAWN))
        truth = int(files.read.sum())
        hits += told.low <= truth <= told.high
        if seed % 4 != 3:  # of what a sample hardly meets it can say little, and says so
            widths.append((told.high - told.low) / truth)
    assert hits >= 0.95 * LAKES
    assert statistics.median(widths) <= 0.15


def test_twice_the_sample_tells_more() -> None:
    files = Files(2)
    small, large = (files.extrapolate(files.draw(count)) for count in (200, 800))
    assert large.high - large.low < small.high - small.low


def test_what_no_drawn_file_holds_may_still_be_there() -> None:
    files = Files(0)
    files.read = np.zeros_like(files.read)
    told = files.extrapolate(files.draw(DRAWN))
    assert (told.expected, told.low) == (0, 0)
    assert 0 < told.high < 0.04 * files.stored.sum()


def test_files_that_are_known_beyond_the_sample_count_but_do_not_testify() -> None:
    files = Files(0)
    sample = files.draw(DRAWN)
    files.read[: len(files.read) // 2] *= 3  # as odd as can be, and known
    told = files.extrapolate(sample, also_known=len(files.read) // 2)
    assert told.low <= files.read.sum() <= told.high
    assert told.footers > DRAWN


def test_the_same_files_are_drawn_again_and_large_ones_always() -> None:
    files = Files(4)
    files.sizes[7] = files.sizes.sum()
    first, second = files.draw(DRAWN), files.draw(DRAWN)
    assert first.drawn.tolist() == second.drawn.tolist()
    assert 7 in first.drawn
    assert first.stratum[7] == CERTAIN


@given(st.lists(st.integers(0, 10**12), max_size=400), st.integers(50, 300), st.integers(0, 2**32))
def test_a_sample_is_some_files_once_each_and_tells_no_more_than_it_can(
    sizes: list[int], count: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    array = np.array(sizes, dtype=np.int64)
    sample = draw_sample(
        array,
        rng.integers(0, 3, len(sizes)),
        rng.integers(0, 2**63, len(sizes)).astype(np.uint64),
        count,
    )
    drawn = sample.drawn.tolist()
    assert len(set(drawn)) == len(drawn)
    assert min(len(sizes), count // 2) <= len(drawn) <= min(len(sizes), count + 128)
    known = np.zeros(len(sizes), dtype=bool)
    known[sample.drawn] = True
    read = (array * rng.uniform(0, 1, len(sizes))).astype(np.int64)
    told = extrapolate(array, known, read * known, read * known, sample)
    assert 0 <= told.low <= told.expected <= told.high <= array.sum() + 1
    if known.all():
        assert told.low == told.expected == told.high == read.sum()


def test_no_files_are_no_bytes() -> None:
    none = np.array([], dtype=np.int64)
    sample = draw_sample(none, none, none.astype(np.uint64), 50)
    told = extrapolate(none, none.astype(bool), none, none, sample)
    assert told == SampledBytes(0, 0, 0, 0, 0)
