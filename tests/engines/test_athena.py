"""Athena as an engine: its protocol against moto's server, whose answers are canned, and its faults from scripts."""

from __future__ import annotations

import datetime as dt
import io
import json
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.session import Session

import lakeq
from lakeq.engines.athena.query import AthenaQuery
from lakeq.engines.athena.target import parse_target
from lakeq.engines.limits import RunLimits
from lakeq.errors import (
    AccessDeniedError,
    BudgetExceededError,
    ConfigError,
    EngineError,
    ExecutionError,
    LakeqError,
    QueryCancelledError,
    ResourceLimitError,
    UnsupportedSqlError,
)
from lakeq.storage.athena import AthenaClient, Execution, Place, ResultPage
from tests.servers import S3Server, ScriptedServer, reply

SQL = "SELECT n, price, day FROM events WHERE month = 2"
PLACE = Place("primary", "raw", "", "")


@pytest.fixture(scope="module")
def location(s3_server: S3Server) -> str:
    bucket = s3_server.new_bucket()
    columns = {
        "n": pa.array([1], pa.int64()),
        "price": pa.array([Decimal("1.50")], pa.decimal128(10, 2)),
        "day": pa.array([dt.date(2026, 2, 1)]),
        "raw": pa.array([b"x"]),
        "tags": pa.array([["a"]]),
    }
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    for month in (1, 2, 3):
        s3_server.put(bucket, f"lake/events/month={month}/a.parquet", file.getvalue())
    return f"s3://{bucket}/lake"


@pytest.fixture(scope="module")
def admin(s3_server: S3Server) -> Iterator[Any]:
    """A client of moto's Athena with workgroups of our own."""
    client = Session().create_client(
        "athena",
        region_name="us-east-1",
        endpoint_url=s3_server.endpoint,
        aws_access_key_id="testing",
        aws_secret_access_key="testing-secret",
    )
    client.create_work_group(Name="lakeq", Configuration={"BytesScannedCutoffPerQuery": 10_000_000})
    client.create_work_group(Name="roomy", Configuration={"BytesScannedCutoffPerQuery": 10**12})
    yield client
    client.close()


def open_lake(location: str, server: S3Server, workgroup: str = "lakeq", **target: Any) -> lakeq.Lake:
    given = {
        "workgroup": workgroup,
        "database": "raw",
        "endpoint_url": server.endpoint,
        **target,
    }
    options: dict[str, Any] = {
        "engine": "athena",
        "engines": {"athena": given},
        "history": False,
        "cache": False,
    }
    return lakeq.connect(location, **options, **server.storage_options)


def will_answer(server: S3Server, names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> None:
    """Moto runs nothing: this is what its next query gives."""
    info = [{"CatalogName": "hive", "SchemaName": "", "TableName": "", "Name": name, "Label": name, "Type": "varchar", "Precision": 1, "Scale": 0, "Nullable": "UNKNOWN", "CaseSensitive": True} for name in names]  # fmt: skip
    data = [
        {"Data": [{} if value is None else {"VarCharValue": value} for value in row]}
        for row in [names, *rows]
    ]
    body = json.dumps(
        {
            "account_id": "123456789012",
            "region": "us-east-1",
            "results": [{"rows": data, "column_info": info}],
        }
    )
    request = urllib.request.Request(
        f"{server.endpoint}/moto-api/static/athena/query-results",
        body.encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request).close()


def test_a_query_is_started_watched_and_read(location: str, s3_server: S3Server, admin: Any) -> None:
    will_answer(s3_server, ["n", "price", "day"], [["7", "12.30", "2026-02-03"], [None, None, None]])
    with open_lake(location, s3_server, output="s3://results/here/") as lake:
        result = lake.sql(SQL)
        assert result.fetchall() == [(7, Decimal("12.30"), dt.date(2026, 2, 3)), (None, None, None)]
        assert result.engine == "athena"
        assert any("Athena read the files that it found" in note for note in result.notes)
    execution = admin.list_query_executions(WorkGroup="lakeq")["QueryExecutionIds"][-1]
    told = admin.get_query_execution(QueryExecutionId=execution)["QueryExecution"]
    assert '(SELECT * FROM "raw"."events" WHERE "month" = 2)' in told["Query"]
    assert told["QueryExecutionContext"] == {"Database": "raw"}
    assert told["ResultConfiguration"]["OutputLocation"].startswith("s3://results/here/")


def test_bytes_are_spelled_in_hexadecimal(location: str, s3_server: S3Server, admin: Any) -> None:
    will_answer(s3_server, ["raw", "t"], [["00 ff", "2026-02-03 04:05:06.000 UTC"], ["", None]])
    with open_lake(location, s3_server) as lake:
        rows = lake.sql("SELECT raw, now() AS t FROM events WHERE month = 1").arrow().to_pylist()
    assert [row["raw"] for row in rows] == [b"\x00\xff", b""]
    assert rows[0]["t"].astimezone(dt.UTC) == dt.datetime(2026, 2, 3, 4, 5, 6, tzinfo=dt.UTC)


def test_an_answer_without_its_header_is_refused(location: str, s3_server: S3Server, admin: Any) -> None:
    with open_lake(location, s3_server) as lake, pytest.raises(ExecutionError, match="columns' names"):
        lake.sql("SELECT n FROM events").arrow()  # moto's own empty answer


@pytest.mark.parametrize(
    ("workgroup", "told"), [("lakeq", None), ("roomy", "only at 931.3 GB"), ("primary", "does not cut off")]
)
def test_a_budget_that_the_workgroup_does_not_keep_is_told(
    location: str, s3_server: S3Server, admin: Any, workgroup: str, told: str | None
) -> None:
    will_answer(s3_server, ["n"], [["1"]])
    with open_lake(location, s3_server, workgroup) as lake:
        result = lake.sql("SELECT n FROM events", max_bytes="1MB")
        result.arrow()
    notes = [note for note in result.notes if "Workgroup" in note]
    assert len(notes) == (told is not None)
    if told:
        assert told in notes[0]
        assert "create-work-group" in notes[0]
        assert "BytesScannedCutoffPerQuery=10000000" in notes[0]  # the least that AWS takes


def test_where_the_cutoff_is_required_nothing_runs_without(
    location: str, s3_server: S3Server, admin: Any
) -> None:
    before = admin.list_query_executions(WorkGroup="roomy")["QueryExecutionIds"]
    with (
        open_lake(location, s3_server, "roomy", require_cutoff=True) as lake,
        pytest.raises(ConfigError, match=r"Query not run: workgroup 'roomy' cuts queries off at 931\.3 GB"),
    ):
        lake.sql("SELECT n FROM events", max_bytes="1GB").arrow()
    assert admin.list_query_executions(WorkGroup="roomy")["QueryExecutionIds"] == before


@pytest.mark.parametrize("max_bytes", [None, "1MB"])
def test_a_workgroup_that_there_is_not_is_told(
    location: str, s3_server: S3Server, max_bytes: str | None
) -> None:
    with (
        open_lake(location, s3_server, "nobody") as lake,
        pytest.raises(ConfigError, match="no workgroup 'nobody'"),
    ):
        lake.sql("SELECT n FROM events", max_bytes=max_bytes).arrow()


def test_nested_answers_are_refused_before_anything_is_paid_for(location: str, s3_server: S3Server) -> None:
    with (
        open_lake(location, s3_server) as lake,
        pytest.raises(UnsupportedSqlError, match="Select its fields"),
    ):
        lake.sql("SELECT tags FROM events")


class Told:
    """A client whose Athena stands as the script says, look by look; the last stays."""

    def __init__(
        self, *looks: Execution, pages: Sequence[ResultPage] = (), cutoff: int | None = None
    ) -> None:
        self.looks, self.pages, self.cutoff = list(looks), list(pages), cutoff
        self.stopped: list[str] = []
        self.tokens: list[str] = []
        self.is_interrupted = False
        self.looked = threading.Event()

    def start(self, sql: str, place: Place, token: str) -> str:
        self.tokens.append(token)
        if self.is_interrupted and len(self.tokens) == 1:
            raise KeyboardInterrupt
        return "e1"

    def look(self, execution: str) -> Execution:
        self.looked.set()
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def read(self, execution: str, token: str | None = None) -> ResultPage:
        return self.pages.pop(0)

    def stop(self, execution: str) -> None:
        self.stopped.append(execution)

    def find_cutoff(self, workgroup: str) -> int | None:
        return self.cutoff


def ask(client: Told, max_bytes: int | None = None, limits: RunLimits = RunLimits()) -> AthenaQuery:  # noqa: B008 - frozen
    return AthenaQuery(client, parse_target(None), "SELECT 1", max_bytes, limits)  # type: ignore[arg-type]  # a scripted client


RUNNING = Execution("RUNNING", "", 0)


def test_pages_follow_each_other_to_the_end() -> None:
    pages = [ResultPage(("n",), [["n"], ["1"]], "more"), ResultPage(("n",), [["n"]], None)]
    query = ask(Told(RUNNING, Execution("SUCCEEDED", "", 77), pages=pages))
    assert list(query.pages()) == [[["1"]], [["n"]]]
    assert query.bytes_scanned == 77


def test_a_query_over_its_budget_is_stopped_while_it_runs() -> None:
    client = Told(Execution("RUNNING", "", 3 * 2**20), cutoff=10_000_000)
    with pytest.raises(BudgetExceededError, match=r"after 3\.0 MB, which it charges for.*the 1\.0 MB"):
        next(ask(client, 2**20).pages())
    assert client.stopped == ["e1"]


def test_a_query_over_its_time_is_stopped() -> None:
    client = Told(RUNNING)
    with pytest.raises(ResourceLimitError, match="time_limit"):
        next(ask(client, limits=RunLimits(time_limit=0.05)).pages())
    assert client.stopped == ["e1"]


def test_what_ctrl_c_meets_while_it_starts_is_found_by_its_token_and_stopped() -> None:
    client = Told(RUNNING)
    client.is_interrupted = True
    with pytest.raises(KeyboardInterrupt):
        next(ask(client).pages())
    assert client.tokens == [client.tokens[0]] * 2
    assert client.stopped == ["e1"]


def test_cancel_stops_it_on_the_server() -> None:
    client = Told(RUNNING)
    query = ask(client)
    waiting = threading.Thread(target=lambda: (client.looked.wait(5), query.stop()))
    waiting.start()
    with pytest.raises(QueryCancelledError):
        next(query.pages())
    waiting.join()
    assert client.stopped == ["e1"]


@pytest.mark.parametrize(
    ("end", "error", "words"),
    [
        (Execution("CANCELLED", "Bytes scanned limit was exceeded", 10**7), BudgetExceededError, r"after 9\.5 MB.*workgroup"),
        (Execution("CANCELLED", "", 0), QueryCancelledError, "cancelled in Athena"),
        (Execution("FAILED", "TABLE_NOT_FOUND: line 1:8: Table 'a.b.c' does not exist", 0), ExecutionError, "lakeq ddl LAKE TABLE --dialect athena"),
        (Execution("FAILED", "SCHEMA_NOT_FOUND: line 1:8: Schema 'raw' does not exist", 0), ConfigError, "database"),
        (Execution("FAILED", "PERMISSION_DENIED: Access Denied (Service: Amazon S3)", 0), AccessDeniedError, "bucket"),
        (Execution("FAILED", "Query exhausted resources at this scale factor", 0), ResourceLimitError, "exhausted"),
        (Execution("FAILED", "SYNTAX_ERROR: line 1:1: no", 0), ExecutionError, "SYNTAX_ERROR.*SELECT 1"),
    ],
)  # fmt: skip
def test_how_it_ended_is_told_with_the_remedy(end: Execution, error: type[LakeqError], words: str) -> None:
    client = Told(RUNNING, end)
    with pytest.raises(error, match=words):
        next(ask(client).pages())
    assert client.stopped == []


@pytest.mark.parametrize(
    ("code", "message", "error", "words"),
    [
        ("ExpiredTokenException", "The security token included in the request is expired", AccessDeniedError, "expired.*aws sso login"),
        ("UnrecognizedClientException", "invalid", AccessDeniedError, "not known to AWS"),
        ("AccessDeniedException", "User x may not athena:StartQueryExecution", AccessDeniedError, "athena:StartQueryExecution"),
        ("InvalidRequestException", "WorkGroup x is not found.", ConfigError, "no workgroup 'primary'"),
        ("InvalidRequestException", "No output location provided.", ConfigError, "output = 's3://"),
        ("InvalidRequestException", "line 1:1: mismatched input", ExecutionError, "mismatched input"),
        ("MetadataException", "Glue is away", EngineError, "Glue is away"),
    ],
)  # fmt: skip
def test_what_aws_answers_is_told_with_the_remedy(
    scripted_server: ScriptedServer, code: str, message: str, error: type[LakeqError], words: str
) -> None:
    body = json.dumps({"__type": code, "message": message}).encode()
    scripted_server.scripts["POST /"] = [reply(400, body)]
    client = AthenaClient("us-east-1", "", scripted_server.endpoint, {"key": "k", "secret": "s"})
    with pytest.raises(error, match=words):
        client.start("SELECT 1", PLACE, "t" * 32)
    client.close()


def test_throttling_is_waited_out(scripted_server: ScriptedServer) -> None:
    busy = reply(400, json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}).encode())
    scripted_server.scripts["POST /"] = [busy, reply(200, b'{"QueryExecutionId": "e1"}')]
    client = AthenaClient("us-east-1", "", scripted_server.endpoint, {"key": "k", "secret": "s"})
    assert client.start("SELECT 1", PLACE, "t" * 32) == "e1"
    client.close()


def test_without_region_or_profile_it_is_told_what_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(ConfigError, match=r"region under \[engines\.athena\]"):
        AthenaClient()
    with pytest.raises(ConfigError, match="profile not found, for Athena: 'nobody'"):
        AthenaClient(profile="nobody")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("lakeq", "table of settings"),
        ({"work_group": "x"}, "Did you mean 'workgroup'"),
        ({"output": "/tmp"}, "folder of S3"),
        ({"require_cutoff": "yes"}, "true or false"),
        ({"tables": ["a"]}, "table of texts"),
        ({"database": 1}, "must be a text"),
    ],
)
def test_a_target_that_cannot_be_one_is_refused(target: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_target(target)


def test_tables_are_named_with_their_database() -> None:
    target = parse_target({"database": "raw", "tables": {"b": "other.b2"}})
    assert [target.name_table(name) for name in ("a", "b")] == ['"raw"."a"', '"other"."b2"']
