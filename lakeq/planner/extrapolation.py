"""From a sample of footers to all files: the bytes that a scan reads, with a 95 % interval. Pure arithmetic.

Stratified ratio estimation (Cochran, Sampling Techniques, 3rd ed., 6.10 and 5.4): within a stratum the bytes
that a scan reads of a file go with its size. Two things that the normal interval leaves out are added: how
few files with anything to read a sample may hold (a Poisson count), and that some kind of file may have been
missed altogether (the rule of three).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lakeq.catalog.file_sample import FileSample, Numbers

_Z = 1.959964
"""Two-sided 95 % of the normal distribution."""
_FEW = 30
"""Files with anything to read, up to which their number itself is uncertain in a way that is not normal."""

Mask = npt.NDArray[np.bool_]
Amounts = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SampledBytes:
    """Bytes of a scan: expected, and the 95 % interval. `footers` of `files` were read."""

    expected: int
    low: int
    high: int
    footers: int
    files: int

    @property
    def width(self) -> float:
        """Of the interval, as a share of what is expected."""
        return (self.high - self.low) / max(self.expected, 1)


def extrapolate(
    sizes: Numbers, known: Mask, read: Numbers, stored: Numbers, sample: FileSample
) -> SampledBytes:
    """The bytes that a scan reads of files of these sizes.

    `read` are those of each file, where it is `known`; `stored` those that it would read if no row group
    were pruned. What is known of files beyond the sample is counted, but says nothing about others: they were
    not drawn, but looked into because a query wanted them.
    """
    certain = int(read[known].sum())
    drawn = np.zeros(len(sizes), dtype=bool)
    drawn[sample.drawn] = True
    parts = _Strata.of(sizes, known, drawn & (sample.stratum >= 0), read, sample.stratum)
    expected, variance = float(parts.expected.sum()), float(parts.variance.sum())
    half = _student(parts.freedom) * math.sqrt(variance)
    low, high = expected - half, expected + half

    witnesses = drawn & (sample.stratum >= 0)
    count = max(int(witnesses.sum()), 1)
    size = int(sizes[~known].sum())
    most = float((stored[witnesses] / np.maximum(sizes[witnesses], 1)).max(initial=0)) * size
    found = int(np.count_nonzero(read[witnesses]))
    if found < _FEW:
        fewest, mostly = _count_interval(found)
        each = expected / found if found else most / count
        low, high = min(low, each * fewest), max(high, each * mostly)
    missed = 3 / count
    low, high = low - missed * expected, high + missed * max(most - expected, 0)
    return SampledBytes(
        expected=certain + round(expected),
        low=certain + max(math.floor(low), 0),
        high=certain + min(math.ceil(high), max(math.ceil(most), round(expected))),
        footers=int(known.sum()),
        files=len(sizes),
    )


@dataclass(frozen=True, slots=True)
class _Strata:
    """What is expected of the unknown files of each stratum, how sure that is, and how many were drawn."""

    expected: Amounts
    variance: Amounts
    drawn: Amounts

    @classmethod
    def of(cls, sizes: Numbers, known: Mask, drawn: Mask, read: Numbers, stratum: Numbers) -> _Strata:
        numbers = int(stratum.max(initial=-1)) + 1

        def total(chosen: Mask, amounts: npt.NDArray[Any]) -> Amounts:
            return np.bincount(stratum[chosen], amounts[chosen], numbers).astype(np.float64)

        ones, unknown = np.ones(len(sizes)), ~known & (stratum >= 0)
        count, left = total(drawn, ones), total(unknown, ones)
        ratio = total(drawn, read) / np.maximum(total(drawn, sizes), 1)
        spread = total(drawn, np.square(read - ratio[stratum] * sizes)) if numbers else count
        variance = spread / np.maximum(count - 1, 1) * left * (left + count) / np.maximum(count, 1)
        return cls(ratio * total(unknown, sizes), variance, count)

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the sum (Welch and Satterthwaite)."""
        parts = float((np.square(self.variance) / np.maximum(self.drawn - 1, 1)).sum())
        return float(self.variance.sum()) ** 2 / parts if parts else 1.0


def _student(freedom: float) -> float:
    """Two-sided 95 % of Student's t (Abramowitz and Stegun 26.7.5)."""
    z, v = _Z, max(freedom, 1.0)
    return z + (z**3 + z) / (4 * v) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)


def _count_interval(count: int) -> tuple[float, float]:
    """95 % of the mean of a Poisson distribution of which `count` was drawn (Byar's approximation)."""
    low = count * (1 - 1 / (9 * count) - _Z / (3 * math.sqrt(count))) ** 3 if count else 0.0
    more = count + 1
    return max(low, 0.0), more * (1 - 1 / (9 * more) + _Z / (3 * math.sqrt(more))) ** 3
