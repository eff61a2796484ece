"""Athena's API: a query started, looked at, read and stopped. By botocore, as whoever it finds."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lakeq.errors import AccessDeniedError, ConfigError, EngineError, ExecutionError, LakeqError
from lakeq.storage.options import check_endpoint_url

_ENGINE = "athena"
_PAGE_ROWS = 1000
"""Rows that GetQueryResults gives at once, at most."""
_ATTEMPTS = 8
"""How often botocore asks when it is throttled or finds nobody, with growing pauses."""
_EXPIRED = ("ExpiredTokenException", "ExpiredToken", "RequestExpired")
_UNKNOWN = ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "AuthFailure")
_DENIED = ("AccessDeniedException", "AccessDenied", "NotAuthorized")
_THROTTLED = ("ThrottlingException", "TooManyRequestsException", "Throttling")
_REMEDY = (
    "Set AWS_PROFILE, or renew the login (such as `aws sso login`), or name a profile under [engines.athena]."
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where queries run and where their results go; "" leaves it to the workgroup."""

    workgroup: str
    database: str
    catalog: str
    output: str


@dataclass(frozen=True, slots=True)
class Execution:
    """How a query stands: QUEUED, RUNNING, SUCCEEDED, FAILED or CANCELLED, why, and the bytes scanned."""

    state: str
    reason: str
    scanned: int


@dataclass(frozen=True, slots=True)
class ResultPage:
    """Some rows as text, None for NULL, the names of their columns, and what asks for the next page."""

    names: tuple[str, ...]
    rows: list[list[str | None]]
    token: str | None


class AthenaClient:
    """Athena in one region. Errors are those of lakeq's tree."""

    def __init__(
        self,
        region: str = "",
        profile: str = "",
        endpoint_url: str = "",
        keys: Mapping[str, str | None] | None = None,
    ) -> None:
        """`keys` are `key`, `secret` and `token` where they are given; else botocore's chain finds them, of
        `profile` if that is named. ConfigError for what cannot be used."""
        from botocore.config import Config
        from botocore.session import Session

        if endpoint_url:
            check_endpoint_url(endpoint_url, "Athena's 'endpoint_url'")
        keys = keys or {}

        def create() -> Any:
            session = Session(profile=profile or None)
            return session.create_client(
                _ENGINE,
                region_name=region or os.environ.get("AWS_REGION") or None,
                endpoint_url=endpoint_url or None,
                aws_access_key_id=keys.get("key"),
                aws_secret_access_key=keys.get("secret"),
                aws_session_token=keys.get("token"),
                config=Config(retries={"mode": "standard", "total_max_attempts": _ATTEMPTS}),
            )

        self._client = _ask(create)

    def start(self, sql: str, place: Place, token: str) -> str:
        """Start a query; its id. Asked twice with one `token` (32 letters and digits or more) it starts one,
        and the id is the same."""
        context = {"Database": place.database, "Catalog": place.catalog}
        given: dict[str, Any] = {
            "QueryString": sql,
            "WorkGroup": place.workgroup,
            "ClientRequestToken": token,
            "QueryExecutionContext": {name: value for name, value in context.items() if value},
        }
        if place.output:
            given["ResultConfiguration"] = {"OutputLocation": place.output}
        started: str = _ask(self._client.start_query_execution, **given)["QueryExecutionId"]
        return started

    def look(self, execution: str) -> Execution:
        """How a query stands."""
        told = _ask(self._client.get_query_execution, QueryExecutionId=execution)["QueryExecution"]
        status, counts = told["Status"], told.get("Statistics", {})
        return Execution(
            status["State"], status.get("StateChangeReason", ""), counts.get("DataScannedInBytes", 0)
        )

    def read(self, execution: str, token: str | None = None) -> ResultPage:
        """A page of the rows of a query that has succeeded, the first without a `token`. The first row of the
        first page names the columns."""
        more = {"NextToken": token} if token else {}
        asked = {"QueryExecutionId": execution, "MaxResults": _PAGE_ROWS, **more}
        told = _ask(self._client.get_query_results, **asked)
        found = told["ResultSet"]
        names = tuple(column["Name"] for column in found["ResultSetMetadata"].get("ColumnInfo", ()))
        rows = [[value.get("VarCharValue") for value in row.get("Data", ())] for row in found["Rows"]]
        return ResultPage(names, rows, told.get("NextToken"))

    def stop(self, execution: str) -> None:
        """End a query; none that has ended."""
        _ask(self._client.stop_query_execution, QueryExecutionId=execution)

    def find_cutoff(self, workgroup: str) -> int | None:
        """The bytes after which the workgroup cuts each of its queries off; None: never. ConfigError for a
        workgroup that there is not."""
        told = _ask(self._client.get_work_group, WorkGroup=workgroup).get("WorkGroup") or {}
        if not told:
            raise _no_workgroup(workgroup)
        cutoff: int | None = told.get("Configuration", {}).get("BytesScannedCutoffPerQuery")
        return cutoff

    def close(self) -> None:
        """Close its connections."""
        self._client.close()


def _ask(request: Callable[..., Any], **given: Any) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return request(**given)
    except ClientError as error:
        raise _translate_answer(error, given.get("WorkGroup", "")) from error
    except (BotoCoreError, ValueError) as error:
        raise _translate_failure(error) from None  # it may hold what a credential process wrote


def _translate_answer(error: Any, workgroup: str) -> LakeqError:
    told = error.response.get("Error", {})
    code, message = told.get("Code", ""), told.get("Message", "").rstrip(".")
    if code in _EXPIRED or code in _UNKNOWN:
        why = "have expired" if code in _EXPIRED else "are not known to AWS"
        return AccessDeniedError(f"Athena was asked with credentials that {why} ({code}). {_REMEDY}", _ENGINE)
    if code in _DENIED:
        return AccessDeniedError(
            f"Access to Athena denied: {message}. Give the user this right, or name another profile.", _ENGINE
        )
    if code in _THROTTLED:
        return EngineError(f"Athena is busy: {message or code}. Try later, or raise its quota.", _ENGINE)
    if re.search(r"work\s?group.*(not found|does not exist)", message, re.IGNORECASE):
        return _no_workgroup(workgroup)
    if re.search(r"output ?location", message, re.IGNORECASE):
        return ConfigError(
            f"Athena does not know where to put results: {message}. Give output = 's3://bucket/folder/' "
            "under [engines.athena], or set it in the workgroup."
        )
    if code == "InvalidRequestException":
        return ExecutionError(f"Athena did not take the query: {message}.", _ENGINE)
    return EngineError(f"Athena answered {code}: {message}. Try later.", _ENGINE)


def _no_workgroup(workgroup: str) -> ConfigError:
    return ConfigError(
        f"Athena has no workgroup {workgroup!r} in this region. Name another under [engines.athena], or its "
        "region."
    )


def _translate_failure(error: Exception) -> LakeqError:
    """What never became a question: no credentials, no region, no server. No text of botocore's that may hold
    a secret is repeated."""
    kind = type(error).__name__
    if kind == "ProfileNotFound":
        return ConfigError(
            f"AWS profile not found, for Athena: {getattr(error, 'kwargs', {}).get('profile')!r}."
        )
    if kind == "NoRegionError":
        return ConfigError("Athena's region is not known. Give region under [engines.athena], or AWS_REGION.")
    if kind in (
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ConnectionClosedError",
    ):
        url = getattr(error, "kwargs", {}).get("endpoint_url", "its endpoint")
        return EngineError(f"Athena does not answer at {url}. Check the region and the network.", _ENGINE)
    if "Credential" in kind or "Token" in kind or "SSO" in kind:
        return AccessDeniedError(f"No AWS credentials for Athena ({kind}). {_REMEDY}", _ENGINE)
    return ConfigError(f"Athena cannot be asked ({kind}). Check the AWS configuration and [engines.athena].")
