"""One query over a store that is spoilt at one request, and how it ended."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

import lakeq
from lakeq.cli.app import main
from lakeq.errors import LakeqError, ObjectChangedError
from lakeq.lake import Lake
from tests.faults.kinds import PATIENT, Change, Expected, Kind, name_of
from tests.faults.lake import FORMATS, QUERY, Answer, Version, answer_to, body_of, first_versions, key_of
from tests.faults.proxy import Exchange, FaultProxy
from tests.servers import S3Server

CACHES = ("cold", "footers known", "warm")
"""What was known before: nothing; listings and footers; all that the query reads."""
DOORS = ("rows", "stream", "file")
"""How the answer is asked for: as a table, in batches, or as a file by the command line."""
SPARE_SECONDS, _QUIET_SECONDS, _LEFT_SECONDS = 5.0, 0.1, 60.0
_SHIFT = 16
"""Added to each number of a replaced file: of as many rows it has as many bytes in every format."""


@dataclass(frozen=True, slots=True)
class Case:
    """Which fault hits which request (the `index`-th of those it may hit) of which query, and how it is asked."""

    file_format: str
    cache: str
    fault: Kind | Change
    hit: str
    index: int
    door: str

    def __str__(self) -> str:
        return f"{name_of(self.fault)}, {self.hit} {self.index}, {self.file_format}, {self.cache}, by {self.door}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a case ended: `right`, `wrong` or the name of an error; why that is a `failure`, or ""."""

    case: Case
    end: str
    failure: str


class Sweep:
    """The lake in a bucket of `server`, asked through `proxy`, and caches in the states of CACHES."""

    def __init__(
        self, server: S3Server, proxy: FaultProxy, folder: Path, spare_seconds: float = SPARE_SECONDS
    ) -> None:
        """A query may take `spare_seconds` more than it is allowed to try."""
        self._spare = spare_seconds
        self._server = server
        self._proxy = proxy
        self._folder = folder
        self.bucket = f"faults{os.getpid()}"  # a server that runs longer may have buckets of other runs
        self.counts: dict[tuple[str, str], Counter[str]] = {}
        """Requests of each kind that a query makes which nothing disturbs, by format and cache."""
        for file_format in FORMATS:
            for p, version in first_versions().items():
                self._write(file_format, p, version)

    def prepare(self, file_format: str) -> list[str]:
        """Make the caches and count requests; what is wrong with queries that nothing disturbs."""
        problems = []
        for cache in CACHES:
            folder = self._kept(file_format, cache)
            folder.mkdir(parents=True)
            if cache != "cold":
                with self._connect(folder, PATIENT) as lake:
                    sql = QUERY.format(t=file_format)
                    _ = lake.estimate(sql) if cache == "footers known" else lake.sql(sql).arrow()
            with self._cache_of(file_format, cache) as used, self._connect(used, PATIENT) as lake:
                self._proxy.reset()
                result = lake.sql(QUERY.format(t=file_format))
                rows, stats = result.fetchall(), result.stats
                log = list(self._proxy.log)
            kinds = Counter(e.kind for e in log)
            self.counts[file_format, cache] = kinds
            sent = sum(e.sent for e in log if e.kind == "get")
            if rows != answer_to(first_versions()):
                problems.append(f"{file_format}, {cache}: another answer")
            if stats.bytes_transferred != sent or Counter(stats.requests_by_kind) != +kinds:
                told = f"{stats.bytes_transferred} bytes in {stats.requests_by_kind}"
                problems.append(f"{file_format}, {cache}: {told} told, {sent} in {dict(kinds)} sent")
        return problems

    def cases(self, file_format: str, faults: list[Kind | Change]) -> Iterator[Case]:
        """Every fault at every request that it may hit, over each cache."""
        for cache in CACHES:
            counts = self.counts[file_format, cache]
            for number, fault in enumerate(faults):
                for hit in fault.hits if isinstance(fault, Kind) else ("list", "get"):
                    for index in range(counts[hit]):
                        yield Case(
                            file_format, cache, fault, hit, index, DOORS[(number + index) % len(DOORS)]
                        )

    def run(self, case: Case) -> Outcome:
        """Ask, with the fault of `case` at its place."""
        found = (case.fault.options if isinstance(case.fault, Kind) else {}) or PATIENT
        allowed = [answer_to(first_versions())]
        with self._cache_of(case.file_format, case.cache) as cache:
            if isinstance(case.fault, Kind):
                match = {"head": "HEAD /{}", "list": r"GET /{}\?", "get": "GET /{}/"}[case.hit].format(
                    self.bucket
                )
                rule = {**case.fault.rule, "match": match, "skip": case.index, "seed": str(case)}
                self._proxy.reset(rule)
                outcome = self._judge(case, allowed, cache, found)
            else:
                with self._changing(case, allowed):
                    outcome = self._judge(case, allowed, cache, found)
        self._settle(outcome)
        return outcome

    def _settle(self, outcome: Outcome) -> None:
        """Wait for requests of the query that is over, which nobody waits for: they are not the next one's."""
        self._proxy.reset()
        deadline = time.monotonic() + _LEFT_SECONDS
        while _any_thread_asks() and time.monotonic() < deadline:
            time.sleep(0.01)
        seen = len(self._proxy.log) if outcome.end == "right" else -1
        while seen != len(self._proxy.log):
            seen = len(self._proxy.log)
            time.sleep(_QUIET_SECONDS)

    def _judge(self, case: Case, allowed: list[Answer], cache: Path, options: Mapping[str, Any]) -> Outcome:
        began = time.monotonic()
        try:
            answer = self._ask(case, cache, options)
            end = "right" if answer in allowed else "wrong"
            failure = "" if end == "right" else f"a wrong answer: {[row[:3] for row in answer]}"
        except LakeqError as error:
            secret = self._server.storage_options["secret"]
            end, failure = type(error).__name__, _judge_error(case, error, secret)
        except Exception as error:  # noqa: BLE001 - anything else is what is looked for
            end, failure = type(error).__name__, f"no error of ours: {error!r}"
        seconds = time.monotonic() - began
        expected = case.fault.expected if isinstance(case.fault, Kind) else Expected.EITHER
        if case.hit == "head":  # the first question, which is not waited for as long, and may be refused
            expected = Expected.EITHER
        if expected is Expected.UNSEEN and end == "wrong":
            failure = ""
        if expected is Expected.RIGHT and end != "right":
            failure = failure or f"the fault passes, and the query failed: {end}"
        if expected is Expected.ERROR and end == "right" and self._was_hit():
            failure = "an answer where there can be none"
        if seconds > options["retry_timeout"] + options["timeout"] + self._spare:
            failure = failure or f"it took {seconds:.1f} s"
        return Outcome(case, end, failure or self._judge_log(case))

    def _was_hit(self) -> bool:
        return any(exchange.fault for exchange in self._proxy.log)

    def _judge_log(self, case: Case) -> str:
        """Only planned files were read, each pinned to its version, and nothing was written.

        The newest file of a table that is met for the first time is looked into for its columns.
        """
        known = (1, 2, 3, 4) if case.cache == "cold" else (1, 2, 3)
        planned = {f"/{self.bucket}/{key_of(case.file_format, p)}" for p in known}
        for exchange in self._proxy.log:
            if exchange.method not in ("GET", "HEAD"):
                return f"{exchange.method} {exchange.path}"
            if f"/{case.file_format}/" not in exchange.path:
                continue  # a listing, or what is left of the query before
            if exchange.path not in planned:
                return f"read, and not planned: {exchange.path}"
            if "if-match" not in exchange.headers:
                return f"read at no version: {exchange.path}"
        return ""

    def _ask(self, case: Case, cache: Path, options: Mapping[str, Any]) -> Answer:
        sql = QUERY.format(t=case.file_format)
        if case.door == "file":
            return self._ask_for_file(sql, cache, options)
        with self._connect(cache, options) as lake:
            result = lake.sql(sql)
            if case.door == "rows":
                return result.fetchall()
            batches = list(result.batches())
            return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]

    def _ask_for_file(self, sql: str, cache: Path, options: Mapping[str, Any]) -> Answer:
        """By the command line. ValueError where it leaves a file and says that it failed."""
        storage = "".join(f"{name} = {value}\n" for name, value in options.items())
        definition, target = cache / "lakeq.toml", cache / "rows.csv"
        place = f'location = "s3://{self.bucket}"\n[storage]\nendpoint_url = "{self._proxy.endpoint}"\n'
        definition.write_text(place + storage)
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            status = main(["query", str(definition), sql, "-o", str(target), "--cache-dir", str(cache)])
        if status == 0:
            return [tuple(row.values()) for row in _read_rows(target).to_pylist()]
        left = [path.name for path in cache.iterdir() if "rows.csv" in path.name]
        if left:
            raise ValueError(f"a query that failed left {left}")
        lines = [line for line in said.getvalue().splitlines() if line.startswith("lakeq: error: ")]
        if len(lines) != 1:
            raise ValueError(f"status {status} with {said.getvalue()!r}")
        raise LakeqError(lines[0])

    @contextlib.contextmanager
    def _changing(self, case: Case, allowed: list[Answer]) -> Iterator[None]:
        """While it lasts, an object changes before a request; `allowed` gets the answer over the new one
        if something was listed after that."""
        p, versions, seen = 1 + case.index % 3, first_versions(), Counter[str]()
        after = dict(versions)
        self._proxy.reset()

        def change(exchange: Exchange) -> None:
            if exchange.kind == case.hit and seen[case.hit] == case.index:
                assert isinstance(case.fault, Change)
                self._change(case.file_format, p, case.fault, after)
            seen[exchange.kind] += 1
            if after != versions and exchange.kind == "list":
                allowed.append(answer_to(after))

        self._proxy.before, self._proxy.in_turn = change, True
        try:
            yield
        finally:
            self._proxy.before, self._proxy.in_turn = None, False
            self._write(case.file_format, p, versions[p])

    def _change(self, file_format: str, p: int, change: Change, versions: dict[int, Version]) -> None:
        if change in (Change.DELETED, Change.RECREATED):
            self._server.delete(self.bucket, key_of(file_format, p))
        if change is Change.DELETED:
            del versions[p]
            return
        more = 1 if change is Change.OTHER_SIZE else 0
        versions[p] = Version(versions[p].rows + more, _SHIFT)
        self._write(file_format, p, versions[p])

    def _write(self, file_format: str, p: int, version: Version) -> None:
        self._server.put(self.bucket, key_of(file_format, p), body_of(file_format, version))

    def _connect(self, cache: Path, options: Mapping[str, Any]) -> Lake:
        where = {**self._server.storage_options, "endpoint_url": self._proxy.endpoint}
        return lakeq.connect(f"s3://{self.bucket}", cache_dir=cache, history=False, **{**where, **options})

    def _kept(self, file_format: str, cache: str) -> Path:
        return self._folder / file_format / cache

    @contextlib.contextmanager
    def _cache_of(self, file_format: str, cache: str) -> Iterator[Path]:
        """A copy of the cache folder in one of the states of CACHES."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            shutil.copytree(self._kept(file_format, cache), folder, dirs_exist_ok=True)
            yield Path(folder)


def _any_thread_asks() -> bool:
    return any(thread.name.startswith("lakeq-") for thread in threading.enumerate())


def _read_rows(path: Path) -> pa.Table:
    kinds = {"p": pa.int64(), "n": pa.int64(), "x": pa.int64(), "s": pa.string()}
    return pyarrow.csv.read_csv(path, convert_options=pyarrow.csv.ConvertOptions(column_types=kinds))


def _judge_error(case: Case, error: LakeqError, secret: str) -> str:
    """What is wrong with an error: more than a line, a secret in it, or another kind than a change has."""
    text = str(error)
    if "\n" in text or secret in text:
        return f"not one line without secrets: {text!r}"
    if isinstance(case.fault, Change) and case.door != "file" and not isinstance(error, ObjectChangedError):
        return f"a change is told as {type(error).__name__}: {text}"
    return ""
