"""`python -m tests.badfiles CORPUS_DIR… [--mutate COPIES] [--seed S]`: read bad files, and tell what came of each.

Exit status 1 when something is a defect. Files are read in processes of their own, which may crash.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from tests.badfiles.corpora import CorpusFile, find_files
from tests.badfiles.judge import DEFECT, REFUSED, RIGHT, UNSEEN, Judgement, judge_damaged, judge_file
from tests.badfiles.mutate import Damage, damage, make_bases
from tests.badfiles.workers import Task, Worker

T = TypeVar("T")

_BATCH = 16
"""Files that are read as tables of one lake."""

_SIBLINGS = {"csv": "csv", "json": "json", "parquet": "snappy.parquet", "orc": "zlib.orc"}
"""The good file that stands beside one of each kind."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one file: `group` is its line in the table."""

    group: str
    name: str
    judgement: Judgement


def main() -> int:
    """Read everything that was asked for; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.badfiles", description=__doc__)
    parser.add_argument("corpora", nargs="*", type=Path, metavar="CORPUS_DIR")
    parser.add_argument(
        "--mutate", type=int, default=0, metavar="COPIES", help="of each kind of damage, a base"
    )
    parser.add_argument("--bases", default="", help="only those whose name holds this")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--keep", type=Path, default=None, help="where damaged files that are defects are kept"
    )
    parser.add_argument("--quiet", action="store_true", help="do not tell what is right or refused")
    options = parser.parse_args()
    counts: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory(prefix="badfiles-") as folder:
        siblings = _write_siblings(Path(folder))
        work = itertools.chain(
            _plan_corpora(options.corpora, siblings),
            _plan_damage(options.mutate, options.bases, options.seed, Path(folder), options.keep),
        )
        for finding in itertools.chain.from_iterable(_run(work, options.jobs)):
            counts[finding.group, finding.judgement.verdict] += 1
            if not options.quiet or finding.judgement.verdict not in (RIGHT, REFUSED, UNSEEN):
                _tell(f"{finding.judgement.verdict:8} {finding.name}  {'; '.join(finding.judgement.reasons)}")
    for (group, verdict), count in sorted(counts.items()):
        _tell(f"{group:28} {verdict:8} {count:6}")
    return 1 if any(verdict == DEFECT for _, verdict in counts) else 0


@dataclass(frozen=True, slots=True)
class _Corpus:
    """Files of corpora to be read, all of one kind."""

    files: tuple[CorpusFile, ...]
    sibling: Path

    def read(self, worker: Worker) -> list[Finding]:
        kind, paths = self.files[0].kind, tuple(str(file.path) for file in self.files)
        auto, arrow, decoder = (
            worker.read(Task(paths, kind, scanner, str(self.sibling), thorough=scanner == "auto"))
            for scanner in ("auto", "arrow", "decoder")
        )
        return [
            Finding(
                f"{file.corpus} {kind}",
                str(file.path),
                judge_file(kind, *outcomes, file.rows, file.verdict == "broken"),
            )
            for file, *outcomes in zip(self.files, auto, arrow, decoder, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class _Damaged:
    """Damaged copies to be read; `whole` is the file they were made of."""

    copies: tuple[Damage, ...]
    kind: str
    whole: Path
    keep: Path | None

    def read(self, worker: Worker) -> list[Finding]:
        files = tuple(map(self._write, self.copies))
        auto, arrow, decoder = (
            worker.read(Task(tuple(map(str, files)), self.kind, scanner, str(self.whole), thorough=False))
            for scanner in ("auto", "arrow", "decoder")
        )
        whole = _read_whole(worker, self.whole, self.kind)
        findings = []
        for copy, file, *outcomes in zip(self.copies, files, auto, arrow, decoder, strict=True):
            judgement = judge_damaged(self.kind, *outcomes, whole)
            if self.keep is not None and judgement.verdict not in (RIGHT, REFUSED, UNSEEN):
                self.keep.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, self.keep / file.name)
            file.unlink()
            how = copy.how.rstrip("0123456789/ ").removesuffix(" to")
            findings.append(Finding(f"{copy.base} {how}", f"{copy.base}: {copy.how}", judgement))
        return findings

    def _write(self, copy: Damage) -> Path:
        name = re.sub("[^a-z0-9]+", "-", copy.how)
        file = self.whole.with_name(f"{name}.{copy.base}")
        file.write_bytes(copy.data)
        return file


@functools.cache
def _read_whole(worker: Worker, whole: Path, kind: str) -> Mapping[str, Any]:
    """What a good file holds."""
    return worker.read(Task((str(whole),), kind, "auto", str(whole), thorough=False))[0]["select"]


def _plan_corpora(folders: Iterable[Path], siblings: dict[str, Path]) -> Iterator[_Corpus]:
    for (_, kind), files in itertools.groupby(find_files(list(folders)), key=lambda f: (f.corpus, f.kind)):
        for batch in batched(files, _BATCH):
            yield _Corpus(batch, siblings[kind])


def _plan_damage(copies: int, bases: str, seed: int, folder: Path, keep: Path | None) -> Iterator[_Damaged]:
    for base, (kind, data) in make_bases().items() if copies else ():
        if bases in base:
            whole = folder / f"whole.{base}"
            whole.write_bytes(data)
            for batch in batched(damage(base, data, seed, copies), _BATCH):
                yield _Damaged(batch, kind, whole, keep)


def batched(items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """So many at a time."""
    rest = iter(items)
    while batch := tuple(itertools.islice(rest, size)):
        yield batch


def _write_siblings(folder: Path) -> dict[str, Path]:
    bases = make_bases()
    siblings = {}
    for kind, base in _SIBLINGS.items():
        siblings[kind] = folder / f"sibling.{base}"
        siblings[kind].write_bytes(bases[base][1])
    return siblings


def _run(work: Iterable[_Corpus | _Damaged], jobs: int) -> Iterator[list[Finding]]:
    """The findings of `jobs` workers, in the order of the work."""
    idle: SimpleQueue[Worker] = SimpleQueue()

    def run_one(plan: _Corpus | _Damaged) -> list[Finding]:
        worker = idle.get()
        try:
            return plan.read(worker)
        finally:
            idle.put(worker)

    with ExitStack() as stack, ThreadPoolExecutor(jobs) as pool:
        for _ in range(jobs):
            idle.put(stack.enter_context(Worker()))
        yield from pool.map(run_one, work)


def _tell(text: str) -> None:
    """Print at once, so that a run that is stopped has told what it found."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
