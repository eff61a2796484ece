"""Spark's words as errors of ours: what failed, which thing, and what to do."""

from __future__ import annotations

import pytest

from lakeq.engines.spark.faults import translate_run
from lakeq.errors import (
    AccessDeniedError,
    ConfigError,
    CorruptFileError,
    EngineError,
    ExecutionError,
    LakeqError,
    UnsupportedSqlError,
)


class AnalysisException(Exception):  # noqa: N818 - PySpark's own name
    """As PySpark has it."""


CASES: list[tuple[Exception, type[LakeqError], str]] = [
    (
        Exception(
            "[CAST_INVALID_INPUT] The value 'lakeq-cell: Column \\'id\\' holds \\'x\\', which is not BIGINT :lakeq' of the type"
        ),
        CorruptFileError,
        r"Column 'id' holds 'x', which is not BIGINT\. Mend the file",
    ),
    (
        Exception(
            "[FAILED_READ_FILE.NO_HINT] Encountered error while reading file file:/l/t/a.parquet. SQLSTATE: KD001"
            "\nCaused by: java.io.IOException: FAILED_TO_UNCOMPRESS(5)"
        ),
        CorruptFileError,
        r"'file:/l/t/a\.parquet': FAILED_TO_UNCOMPRESS\(5\)",
    ),
    (
        Exception("java.lang.ClassNotFoundException: Class org.apache.hadoop.fs.s3a.S3AFileSystem not found"),
        ConfigError,
        r"spark\.jars\.packages",
    ),
    (
        Exception("s3a://b/k: getFileStatus on s3a://b/k: (Service: S3, Status Code: 400) ExpiredToken"),
        AccessDeniedError,
        "Renew the credentials",
    ),
    (ConnectionError("Connection refused"), EngineError, "open the lake again"),
    (Exception("[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012"), ExecutionError, "DIVIDE_BY_ZERO"),
    (Exception("ExecutorLostFailure (executor 0 exited)"), ExecutionError, "Spark failed: ExecutorLost"),
    (
        AnalysisException("[UNRESOLVED_ROUTINE] Cannot resolve `F`."),
        UnsupportedSqlError,
        "UNRESOLVED_ROUTINE",
    ),
]


@pytest.mark.parametrize(("error", "kind", "words"), CASES)
def test_errors_have_their_kind_and_a_remedy(error: Exception, kind: type[LakeqError], words: str) -> None:
    told = translate_run(error, "SELECT 1")
    assert type(told) is kind
    with pytest.raises(kind, match=words):
        raise told
