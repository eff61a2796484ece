"""One query during which files change at drawn moments, and whether its answer is one that it may have."""

from __future__ import annotations

import contextlib
import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import lakeq
from lakeq.engines.results import DuckDBResult
from lakeq.engines.tables import OpenedTable
from lakeq.errors import LakeqError, ObjectChangedError
from lakeq.lake import Lake
from lakeq.storage import local, throttle
from tests.faults.lake import FORMATS, Version
from tests.faults.proxy import Exchange, FaultProxy, run_proxy
from tests.interleavings.questions import QUESTIONS, VIEW, VIEW_SQL, Question
from tests.interleavings.world import BROKEN, CHANGES, LOCAL_CHANGES, TABLE, Change, State, World
from tests.servers import run_latency_s3

LOCAL_MODES = ("first question", "asked before", "refreshed", "by a thread")
"""By a thread: files change at any moment, not only where lakeq is known to be."""
SIM_MODES = ("cold", "asked before", "asked before", "another process", "15m", "index")
MUCH = 10**12
_USES = 25
"""Questions that one Lake is asked at most."""
_FEW_POINTS, _LONGEST_DELAY = 8, 0.06


class Watch:
    """Counts the moments of a query at which files may change, and changes them at those that were drawn."""

    def __init__(self) -> None:
        self.points = 0
        self._due: dict[int, Callable[[], None]] = {}
        self._lock = threading.RLock()

    def begin(self, due: dict[int, Callable[[], None]]) -> None:
        """Count from 0; `due` are the changes, by the moment of each."""
        with self._lock:
            self.points, self._due = 0, due

    def reach(self) -> None:
        """A moment has come."""
        with self._lock:
            change = self._due.pop(self.points, None)
            self.points += 1
            if change is not None:
                change()


@dataclass(frozen=True, slots=True)
class Interleaving:
    """What happens: which question, in which mode, over which files, and which change at which moment."""

    file_format: str
    is_large: bool
    mode: str
    scanner: str
    question: Question
    max_bytes: int | None
    changes: tuple[tuple[int, Change], ...]

    def __str__(self) -> str:
        changes = ", ".join(f"{change.__name__} at {at}" for at, change in self.changes)
        size = "large" if self.is_large else "small"
        limit = "" if self.max_bytes is None else ", limited"
        return f"{self.question.name} of {size} {self.file_format} ({self.mode}, {self.scanner}{limit}): {changes}"


@dataclass
class Tally:
    """What a run has found so far."""

    ends: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Interleavings so far."""
        return self.ends.total()


class Runner:
    """Interleavings of one seed over folders below `root`: of this machine, or behind `proxy`."""

    def __init__(self, root: Path, seed: int, watch: Watch, proxy: FaultProxy | None) -> None:
        self._root = root
        self._rng = random.Random(seed)
        self._watch = watch
        self._proxy = proxy
        self._worlds: dict[tuple[str, bool], World] = {}
        self._lakes: dict[tuple[Any, ...], tuple[Lake, int]] = {}
        self._points: dict[tuple[Any, ...], int] = {}
        self.world: World | None = None
        """Where the interleaving happens that runs."""

    def run(self, tally: Tally) -> None:
        """Draw an interleaving, have it happen and judge it."""
        case = self._draw()
        world = self._find_world(case)
        state = _first_state(world, case.is_large)
        world.begin(state)
        self.world, rng = world, random.Random(self._rng.random())
        self._watch.begin({})
        with self._open(case, world) as lake:
            due = {at: (lambda change=change: change(world, rng)) for at, change in case.changes}
            threaded = case.mode == "by a thread"
            self._watch.begin({} if threaded else due)
            with _changing_anytime(list(due.values()) if threaded else [], rng):
                found = self._ask(case, lake)
            self._points[_kind(case)] = self._watch.points
        end, failure = _judge(case, world, found)
        tally.ends[end] += 1
        if failure:
            tally.failures.append(f"{case}: {failure}")

    def close(self) -> None:
        """Close the lakes."""
        for lake, _ in self._lakes.values():
            lake.close()

    def _draw(self) -> Interleaving:
        rng, is_local = self._rng, self._proxy is None
        question, file_format = rng.choice(QUESTIONS), rng.choice(FORMATS)
        mode = rng.choice(LOCAL_MODES if is_local else SIM_MODES)
        case = Interleaving(
            file_format,
            rng.random() < 0.3,
            mode,
            rng.choice(["auto", "auto", "auto", "arrow"]),
            question,
            rng.choice([None, None, MUCH]),
            (),
        )
        points = self._points.get(_kind(case), _FEW_POINTS)
        last = rng.choice([points, points, min(points, _FEW_POINTS)])  # listings come first
        moments = rng.sample(range(last + 1), min(last + 1, rng.choice([1, 1, 2, 3])))
        changes = tuple((at, rng.choice(LOCAL_CHANGES if is_local else CHANGES)) for at in sorted(moments))
        return Interleaving(*(getattr(case, name) for name in case.__slots__[:-1]), changes)

    def _find_world(self, case: Interleaving) -> World:
        name = f"{case.file_format}{'-large' if case.is_large else ''}"
        return self._worlds.setdefault(
            (case.file_format, case.is_large),
            World(self._root / name / TABLE, case.file_format, self._proxy is None),
        )

    def _ask(self, case: Interleaving, lake: Lake) -> Any:
        try:
            return case.question.ask(lake, self._watch.reach, case.max_bytes)
        except Exception as error:  # noqa: BLE001 - what is no error of ours is what is looked for
            return error

    @contextlib.contextmanager
    def _open(self, case: Interleaving, world: World) -> Iterator[Lake]:
        """A Lake in the state of the case's mode."""
        if self._proxy is None:
            with self._make(case, world, None) as lake:
                if case.mode == "asked before":
                    self._ask(case, lake)
                elif case.mode == "refreshed":
                    lake.names()
                    lake.refresh()
                yield lake
        elif case.mode in ("cold", "another process"):
            folder = Path(tempfile.mkdtemp(dir=self._root.parent))
            if case.mode == "another process":
                with self._make(case, world, folder) as lake:
                    self._ask(case, lake)
            with self._make(case, world, folder) as lake:
                yield lake
            shutil.rmtree(folder)
        else:
            yield self._reuse(case, world)

    def _reuse(self, case: Interleaving, world: World) -> Lake:
        """A Lake that has been asked before."""
        key = (case.file_format, case.is_large, case.mode, case.scanner)
        lake, uses = self._lakes.pop(key, (None, 0))
        if lake is None or uses >= _USES:
            if lake is not None:
                lake.close()
            lake, uses = self._make(case, world, Path(tempfile.mkdtemp(dir=self._root.parent))), 0
        self._lakes[key] = (lake, uses + 1)
        if case.mode in ("15m", "index"):
            lake.refresh()
        elif not uses:
            self._ask(case, lake)
        return lake

    def _make(self, case: Interleaving, world: World, cache: Path | None) -> Lake:
        options: dict[str, Any] = {"scanner": case.scanner, "history": False, "threads": 2}
        place = str(world.folder.parent)
        if self._proxy is not None:
            place = f"s3://{world.folder.parent.name}"
            options["freshness"] = case.mode if case.mode in ("15m", "index") else "always"
            options |= {
                "endpoint_url": self._proxy.endpoint,
                "key": "k",
                "secret": "s",
                "region": "us-east-1",
            }
            options |= {"cache_dir": cache, "timeout": 10.0, "retry_timeout": 5.0}
        definition = self._root.parent / "lakeq.toml"
        definition.write_text(f'location = "{place}"\n[views]\n{VIEW} = "{VIEW_SQL}"\n')
        return lakeq.connect(definition, **options)


def _kind(case: Interleaving) -> tuple[Any, ...]:
    return case.file_format, case.mode, case.scanner, case.question.name, case.max_bytes


def _first_state(world: World, is_large: bool) -> State:
    sizes = {1: 40, 2: 1_500 if is_large else 40, 3: 40}
    return {world.path(p): Version(rows) for p, rows in sizes.items()}


def _judge(case: Interleaving, world: World, found: Any) -> tuple[str, str]:
    """How it ended, and why that is a failure, or ""."""
    states = list(world.states(since=0))
    if isinstance(found, ObjectChangedError):
        return "ObjectChangedError", ""
    if isinstance(found, LakeqError) and any(BROKEN in state.values() for state in states):
        return "error of a file that is broken", ""
    if isinstance(found, Exception):
        return type(found).__name__, f"{type(found).__name__}: {found}"
    allowed = [case.question.answer(state) for state in states if BROKEN not in state.values()]
    if found in allowed:
        return "the listing's answer" if len(states) == 1 else "an answer of the time of listing", ""
    return "wrong", f"found {str(found)[:200]}, allowed {str(allowed)[:400]}"


@contextlib.contextmanager
def _changing_anytime(changes: list[Callable[[], None]], rng: random.Random) -> Iterator[None]:
    """Make changes by a thread of their own, at moments that nobody knows."""
    delays = [rng.uniform(0, _LONGEST_DELAY) for _ in changes]

    def work() -> None:
        for change, delay in zip(changes, delays, strict=True):
            time.sleep(delay)
            change()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@contextlib.contextmanager
def watch_local(root: Path, seed: int) -> Iterator[Runner]:
    """A runner over folders below `root`, which sees lakeq list, open, read and check files."""
    watch = Watch()
    runner = Runner(root, seed, watch, None)

    def around(owner: Any, name: str, after: Callable[[], None] = lambda: None) -> None:
        real = getattr(owner, name)

        def call(*arguments: Any, **named: Any) -> Any:
            watch.reach()
            found = real(*arguments, **named)
            after()
            watch.reach()
            return found

        patch.setattr(owner, name, call)

    def listed() -> None:
        if runner.world is not None:
            runner.world.note_listing()

    with pytest.MonkeyPatch.context() as patch:
        around(local.LocalStore, "list", listed)
        around(local._Rows, "add")
        around(local.PinnedFile, "__init__")
        around(local.PinnedFile, "read")
        around(OpenedTable, "check_unchanged")
        around(DuckDBResult, "_timed")
        yield runner
        runner.close()


@contextlib.contextmanager
def watch_sim(root: Path, seed: int) -> Iterator[Runner]:
    """A runner over buckets, the folders below `root`, which sees each request."""
    watch = Watch()
    with run_latency_s3(root, "--latency-ms", "0") as endpoint, run_proxy(endpoint, in_turn=True) as proxy:
        runner = Runner(root, seed, watch, proxy)

        def before(exchange: Exchange) -> None:
            watch.reach()
            if exchange.kind == "list" and runner.world is not None:
                runner.world.note_listing()

        proxy.before = before
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(throttle, "_FIRST_PAUSE", 0.002)
            yield runner
        runner.close()
