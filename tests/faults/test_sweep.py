"""A small part of the sweep, proof that it can fail, and budgets counted at the proxy."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lakeq
from lakeq.errors import BudgetExceededError
from lakeq.storage.bucket import BucketStore
from tests.faults.__main__ import isolated
from tests.faults.kinds import KINDS, Change, Expected
from tests.faults.lake import QUERY, answer_to, first_versions
from tests.faults.proxy import FaultProxy, run_proxy
from tests.faults.sweep import Case, Sweep
from tests.servers import S3Server

SEED, CASES = 5, 3


@pytest.fixture(scope="module")
def proxy(s3_server: S3Server) -> Iterator[FaultProxy]:
    with run_proxy(s3_server.endpoint) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def sweep(
    s3_server: S3Server, proxy: FaultProxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sweep]:
    with isolated(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", s3_server.storage_options["key"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.storage_options["secret"])
        sweep = Sweep(s3_server, proxy, tmp_path_factory.mktemp("sweep"), spare_seconds=600)
        # Among what `prepare` finds is that a query asked and received other than it says.
        assert sweep.prepare("parquet") == []
        yield sweep


def test_any_fault_at_any_request_gives_the_answer_or_an_error(sweep: Sweep) -> None:
    quick = [kind for kind in KINDS if not kind.options or kind.options["timeout"] > 1]
    cases = list(sweep.cases("parquet", [*quick, *Change]))
    assert len(cases) > 400
    outcomes = [sweep.run(case) for case in random.Random(SEED).sample(cases, CASES)]
    assert [outcome for outcome in outcomes if outcome.failure] == []


def test_a_reader_that_forgets_the_version_is_found(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    real = BucketStore.read

    def read(self: BucketStore, path: str, start: int, length: int, etag: str | None) -> bytes:
        return real(self, path, start, length, None)

    case = Case("parquet", "footers known", Change.SAME_SIZE, "get", 0, "rows")
    assert sweep.run(case).failure == ""
    monkeypatch.setattr(BucketStore, "read", read)
    assert "wrong answer" in sweep.run(case).failure


def test_each_fault_has_a_name_of_its_own() -> None:
    names = [kind.name for kind in KINDS] + [change.value for change in Change]
    assert len(set(names)) == len(names) > 50
    assert [kind.name for kind in KINDS if kind.expected is Expected.UNSEEN] == [
        "a bit of a body flipped",
        "a key missing in a LIST",
    ]


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_a_budget_is_met_to_the_byte(
    s3_server: S3Server, proxy: FaultProxy, sweep: Sweep, tmp_path: Path, file_format: str
) -> None:
    """A byte less is refused with no byte of data read, which the proxy would have sent."""
    sql = QUERY.format(t=file_format)
    where: dict[str, Any] = {**s3_server.storage_options, "endpoint_url": proxy.endpoint}
    with lakeq.connect(f"s3://{sweep.bucket}", cache_dir=tmp_path, history=False, **where) as lake:
        total = lake.estimate(sql).bytes_scanned
        proxy.reset()
        with pytest.raises(BudgetExceededError):
            lake.sql(sql, max_bytes=total - 1)
        assert not [exchange for exchange in proxy.log if exchange.kind == "get"]
        for limit in (total, total + 1):
            assert lake.sql(sql, max_bytes=limit).fetchall() == answer_to(first_versions())
