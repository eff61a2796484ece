"""Spark's errors as ours."""

from __future__ import annotations

import re

from lakeq.engines.spark.texts import BAD_CELL, END
from lakeq.errors import (
    AccessDeniedError,
    ConfigError,
    CorruptFileError,
    EngineError,
    ExecutionError,
    LakeqError,
    UnsupportedSqlError,
)

_PATH = re.compile(r"((?:file:|s3a://)\S+?)[\s.,;]*(?:SQLSTATE|\n|$| )")
_CONDITION = re.compile(r"\[([A-Z][A-Z0-9_.]+)\] ([^\n]*)")
_CELL = re.compile(f"{BAD_CELL}(.*?){END}", re.DOTALL)
_ANALYSIS = ("AnalysisException", "ParseException")
_DENIED = ("ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "Status Code: 403")
_GONE = ("Connection refused", "StatusCode.UNAVAILABLE", "SparkContext was shut down", "stopped SparkContext",
         "Answer from Java side is empty", "JavaServer", "Error while sending or receiving")  # fmt: skip
_REMEDY = "Run the query with engine='duckdb'."


def translate_analysis(error: Exception, sql: str) -> LakeqError:
    """What Spark says of a query that it does not start: the text is a translation, so it is no fault of the
    query's."""
    if is_gone(error):
        return translate_run(error, sql)
    return UnsupportedSqlError(
        f"Spark does not take the query as it was translated: {tell_reason(str(error))}. {_REMEDY}", sql
    )


def translate_run(error: Exception, sql: str) -> LakeqError:
    """What Spark says of a query that it began."""
    text = str(error)
    if is_gone(error):
        return EngineError(
            f"Spark does not answer any more: {tell_reason(text)}. Look at its log, and open the lake again.",
            "spark",
        )
    if (cell := _CELL.search(text)) is not None:
        path, words = _find_path(text), _tidy(cell[1].replace("\\'", "'"))
        return CorruptFileError(
            f"{words}{f' in {path!r}' if path else ''}. Mend the file, or declare the column's type "
            "with columns=.",
            path,
        )
    if "S3AFileSystem not found" in text:
        return ConfigError(
            "Spark has no S3A to read s3:// with. Start the session with "
            'spark.jars.packages = "org.apache.hadoop:hadoop-aws:VERSION", of the version of its Hadoop.'
        )
    if any(sign in text for sign in _DENIED):
        path = _find_path(text)
        return AccessDeniedError(
            f"Spark's workers may not read {path or 'the files'}: {tell_reason(text)}. Renew the "
            "credentials, and open the lake again.",
            path,
        )
    if "FAILED_READ_FILE" in text or "MALFORMED" in text:
        path = _find_path(text)
        return CorruptFileError(
            f"Spark cannot read {path or 'a file'!r}: {_tell_cause(text)}. Mend the file, or move it out of "
            "the table.",
            path,
        )
    if type(error).__name__ in _ANALYSIS:
        return translate_analysis(error, sql)
    return ExecutionError(f"Spark failed: {tell_reason(text)}. {_REMEDY}", "spark")


def is_gone(error: Exception) -> bool:
    """Whether there is no Spark any more to ask."""
    text = f"{type(error).__name__}: {error}"
    return any(sign in text for sign in _GONE) or isinstance(error, ConnectionError | EOFError)


def _find_path(text: str) -> str:
    match = _PATH.search(text)
    return match[1] if match else ""


def tell_reason(text: str) -> str:
    """The condition that an error of Spark names, else its first line."""
    match = _CONDITION.search(text)
    return _tidy(
        f"{match[2]} [{match[1]}]" if match else next(filter(None, text.splitlines()), "no reason given")
    )


def _tell_cause(text: str) -> str:
    """The last cause, which says what is wrong with a file."""
    causes = re.findall(r"Caused by: (?:[\w.$]+: )?([^\n]*)", text)
    return _tidy(causes[-1]) if causes else tell_reason(text)


def _tidy(words: str) -> str:
    short = re.sub(r"SQLSTATE: \w+|\(?of class [\w.$]+\)?", "", words)
    return " ".join(short.split())[:400].rstrip(".! ")
