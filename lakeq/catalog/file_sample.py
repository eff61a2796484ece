"""A stratified sample of files, where there are more than planning may look into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]

_BLOCKS, _CLASSES = 16, 4
"""Strata: blocks of files written one after the other, each in classes of size."""
_LEAST_DRAWN = 2
"""Of each stratum: of one file nobody can tell how files differ."""


@dataclass(frozen=True, slots=True)
class FileSample:
    """Which of some files were drawn. `drawn` are their positions, `stratum` is that of every file;
    CERTAIN for those that were drawn because they are large."""

    drawn: Numbers
    stratum: Numbers


CERTAIN = -1


def draw_sample(sizes: Numbers, moments: Numbers, lots: npt.NDArray[np.uint64], count: int) -> FileSample:
    """About `count` files of those with these sizes and times of writing, at most all.

    The large ones are taken for certain. Of the others, each stratum (written about the same time: one
    schema; of about the same size) gives in proportion to its bytes those with the lowest `lots`, which are
    each file's own: so the same question draws the same files again.
    """
    stratum = np.full(len(sizes), CERTAIN, dtype=np.int64)
    certain = _find_large(sizes, count)
    others = np.flatnonzero(~certain)
    left = count - int(certain.sum())
    drawn = [np.flatnonzero(certain)]
    if len(others) <= left:
        return FileSample(np.arange(len(sizes)), stratum)
    in_time = others[np.argsort(moments[others], kind="stable")]
    classes = min(_CLASSES, max(left // (_BLOCKS * _LEAST_DRAWN), 1))
    strata = [
        part
        for block in np.array_split(in_time, min(_BLOCKS, max(left // _LEAST_DRAWN, 1)))
        for part in np.array_split(block[np.argsort(sizes[block], kind="stable")], classes)
        if len(part)
    ]
    total = max(int(sizes[others].sum()), 1)
    for number, part in enumerate(strata):
        stratum[part] = number
        share = round(left * int(sizes[part].sum()) / total)
        take = min(max(share, _LEAST_DRAWN), len(part))
        drawn.append(part[np.argpartition(lots[part], take - 1)[:take]])
    return FileSample(np.sort(np.concatenate(drawn)), stratum)


def _find_large(sizes: Numbers, count: int) -> npt.NDArray[np.bool_]:
    """Files so large that a sample in proportion to size would draw them anyway; half the sample at most."""
    order = np.argsort(sizes, kind="stable")[::-1]
    largest = sizes[order[: count // 2]]
    rest = int(sizes.sum()) - np.concatenate([[0], np.cumsum(largest)[:-1]]) if len(largest) else largest
    is_large = largest * (count - np.arange(len(largest))) >= rest
    # The first that is not ends it: each is judged by what is left after those before it.
    stop = int(np.argmin(is_large)) if not is_large.all() else len(largest)
    certain = np.zeros(len(sizes), dtype=bool)
    certain[order[:stop]] = True
    return certain
