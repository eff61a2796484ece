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
from typing import Any

from tests.badfiles.corpora import CorpusFile, find_files
from tests.badfiles.judge import DEFECT, REFUSED, RIGHT, UNSEEN, Judgement, judge_damaged, judge_file
from tests.badfiles.mutate import Damage, damage, make_bases
from tests.badfiles.workers import Task, Worker

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
        for finding in _run(work, options.jobs):
            counts[finding.group, finding.judgement.verdict] += 1
            if not options.quiet or finding.judgement.verdict not in (RIGHT, REFUSED, UNSEEN):
                _tell(f"{finding.judgement.verdict:8} {finding.name}  {'; '.join(finding.judgement.reasons)}")
    for (group, verdict), count in sorted(counts.items()):
        _tell(f"{group:28} {verdict:8} {count:6}")
    return 1 if any(verdict == DEFECT for _, verdict in counts) else 0


@dataclass(frozen=True, slots=True)
class _Corpus:
    """A file of a corpus to be read."""

    file: CorpusFile
    sibling: Path

    def read(self, worker: Worker) -> Finding:
        file = self.file
        auto, arrow, decoder = (
            worker.read(Task(str(file.path), file.kind, scanner, str(self.sibling), scanner == "auto"))
            for scanner in ("auto", "arrow", "decoder")
        )
        judgement = judge_file(file.kind, auto, arrow, decoder, file.rows, file.verdict == "broken")
        return Finding(f"{file.corpus} {file.kind}", str(file.path), judgement)


@dataclass(frozen=True, slots=True)
class _Damaged:
    """A damaged copy to be read; `whole` is the file it was made of."""

    damage: Damage
    kind: str
    whole: Path
    keep: Path | None

    def read(self, worker: Worker) -> Finding:
        name = f"{self.damage.base}: {self.damage.how}"
        copy = self.whole.with_name(f"{re.sub('[^a-z0-9.]+', '-', name)}.{self.damage.base}")
        copy.write_bytes(self.damage.data)
        tasks = {
            scanner: Task(str(copy), self.kind, scanner, str(self.whole), thorough=False)
            for scanner in ("auto", "arrow", "decoder")
        }
        judgement = judge_damaged(
            self.kind,
            worker.read(tasks["auto"]),
            worker.read(tasks["arrow"]),
            lambda: worker.read(tasks["decoder"]),
            _read_whole(worker, self.whole, self.kind),
        )
        if self.keep is not None and judgement.verdict not in (RIGHT, REFUSED, UNSEEN):
            self.keep.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(copy, self.keep / copy.name)
        copy.unlink()
        how = self.damage.how.rstrip("0123456789/ ").removesuffix(" to")
        return Finding(f"{self.damage.base} {how}", name, judgement)


@functools.cache
def _read_whole(worker: Worker, whole: Path, kind: str) -> Mapping[str, Any]:
    """What a good file holds."""
    return worker.read(Task(str(whole), kind, "auto", str(whole), thorough=False))["select"]


def _plan_corpora(folders: Iterable[Path], siblings: dict[str, Path]) -> Iterator[_Corpus]:
    for file in find_files(list(folders)):
        yield _Corpus(file, siblings[file.kind])


def _plan_damage(copies: int, bases: str, seed: int, folder: Path, keep: Path | None) -> Iterator[_Damaged]:
    for base, (kind, data) in make_bases().items() if copies else ():
        if bases in base:
            whole = folder / f"whole.{base}"
            whole.write_bytes(data)
            for each in damage(base, data, seed, copies):
                yield _Damaged(each, kind, whole, keep)


def _write_siblings(folder: Path) -> dict[str, Path]:
    bases = make_bases()
    siblings = {}
    for kind, base in _SIBLINGS.items():
        siblings[kind] = folder / f"sibling.{base}"
        siblings[kind].write_bytes(bases[base][1])
    return siblings


def _run(work: Iterable[_Corpus | _Damaged], jobs: int) -> Iterator[Finding]:
    """The findings of `jobs` workers, in the order of the work."""
    idle: SimpleQueue[Worker] = SimpleQueue()

    def run_one(plan: _Corpus | _Damaged) -> Finding:
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
