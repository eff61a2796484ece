"""Pages of a bucket's listing with the storage class of each object, and every key spelled as it is.

obstore's listing leaves the class out; botocore's takes 30 times the processor time for an object. Here
botocore signs and sends, and the page is read with one regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.errors import LakeqError, ObjectNotFoundError
from lakeq.storage.base import LISTING_SCHEMA, SettingsAnswer
from lakeq.storage.classes import tell_class
from lakeq.storage.credentials import S3Access, find_s3_access
from lakeq.storage.customer_key import key_headers
from lakeq.storage.endpoints import S3Endpoint, is_aws
from lakeq.storage.faults import no_credentials, translate_status, unreadable
from lakeq.storage.options import StorageOptions
from lakeq.storage.pages import ListedPage
from lakeq.storage.tally import count_request
from lakeq.storage.throttle import MOST_AT_ONCE

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from botocore.credentials import Credentials

_ATTRIBUTES = {"x-amz-optional-object-attributes": "RestoreStatus"}
_REFUSED = ("AccessDenied", "InvalidArgument", "InvalidRequest", "NotImplemented", "")
"""What a server answers that does not know the attributes; a policy may deny them."""
_MAY_NOT = ("AccessDenied", "AllAccessDisabled", "")
"""Codes of a refusal that is about a right, not about the credentials."""
_UNKNOWN = ("InvalidArgument", "InvalidRequest", "MethodNotAllowed", "NotImplemented", "")
"""Codes with which servers answer 400 to a question that they do not know."""
_ENTRY = re.compile(
    r"<Contents><Key>([^<]*)</Key><LastModified>([^<]*)</LastModified><ETag>([^<]*)</ETag>"
    r"(?:<Checksum\w+>[^<]*</Checksum\w+>)*<Size>(\d+)</Size>"
    r"<StorageClass>([^<]*)</StorageClass>(?:<RestoreStatus>(.*?)</RestoreStatus>)?</Contents>"
)
"""An object as S3 writes it. Of servers that write it otherwise, each element is looked for."""
_ANY_ENTRY = re.compile(r"<Contents>(.*?)</Contents>", re.DOTALL)
_PREFIX = re.compile(r"<CommonPrefixes>\s*<Prefix>([^<]*)</Prefix>")
_ELEMENTS = ("Key", "LastModified", "ETag", "Size", "StorageClass")
_ESCAPE = re.compile(r"&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def load_botocore() -> None:
    """Load what a listing signs and sends with, which takes a tenth of a second."""
    import botocore.auth
    import botocore.httpsession
    import botocore.utils  # noqa: F401 - loading is all


class S3Listing:
    """The listing of one bucket, as lakeq.storage.pages.PageLister. Thread-safe."""

    def __init__(self, endpoint: S3Endpoint, access: S3Access, options: StorageOptions) -> None:
        from botocore.httpsession import URLLib3Session
        from botocore.utils import get_environ_proxies

        self._endpoint = endpoint
        self._access = access
        self._options = options
        self._asks_attributes = True
        self._knows_restores = is_aws(endpoint.service_url)
        self._session = URLLib3Session(
            verify=access.settings.ca_bundle or True,
            proxies=get_environ_proxies(endpoint.url),
            timeout=(min(5.0, options.timeout), options.timeout),
            max_pool_connections=MOST_AT_ONCE,
        )

    @property
    def tells_restores(self) -> bool:
        """See PageLister."""
        return self._knows_restores and self._asks_attributes

    def renew(self) -> None:
        """Ask for credentials anew."""
        self._access = find_s3_access(self._name(""), self._options)

    def page(
        self, prefix: str, after: str | None = None, token: str | None = None, delimiter: str = ""
    ) -> ListedPage:
        """The keys that start with `prefix`, those after the key `after` or where the `token` of the page
        before leads."""
        query = {"list-type": "2", "prefix": prefix}
        query |= {"delimiter": delimiter} if delimiter else {}
        if token is not None:
            query["continuation-token"] = token
        elif after is not None:
            query["start-after"] = after
        location = self._name(prefix)
        asked = "&".join(f"{name}={quote(value, safe='~')}" for name, value in sorted(query.items()))
        answer = self._list(asked, _ATTRIBUTES if self._asks_attributes else {})
        if self._asks_attributes and answer.status_code in (400, 403, 501) and _code(answer) in _REFUSED:
            answer = self._list(asked, {})
            self._asks_attributes = answer.status_code != 200
        self._check(answer, location)
        return self._read_page(answer, location)

    def read_class(self, key: str) -> str | None:
        """`storage_class` of one object, by a HEAD; None when it is gone."""
        count_request("head")
        try:
            answer = self._ask("HEAD", f"/{quote(key, safe='/~')}", key_headers(self._options))
            self._check(answer, self._name(key))
        except ObjectNotFoundError:
            return None
        told = answer.headers
        name = told.get("x-amz-storage-class", "STANDARD")
        return tell_class(name, told.get("x-amz-restore", ""), told.get("x-amz-archive-status", ""))

    def ask_settings(self, query: str) -> SettingsAnswer:
        """See SettingsStore."""
        count_request("get")
        answer = self._ask_bucket(query, {})
        status, code = answer.status_code, _code(answer)
        is_told = status in (200, 405, 501) or (status == 404 and code != "NoSuchBucket")
        is_refused = (status in (401, 403) and code in _MAY_NOT) or (status == 400 and code in _UNKNOWN)
        if not is_told and not is_refused:
            self._check(answer, self._name(""))
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return SettingsAnswer(status, code, answer.content.decode(errors="replace"), headers)

    def _list(self, query: str, headers: Mapping[str, str]) -> AWSResponse:
        count_request("list")
        return self._ask_bucket(query, headers)

    def _ask_bucket(self, query: str, headers: Mapping[str, str]) -> AWSResponse:
        answer = self._ask("GET", f"{'/' if self._endpoint.virtual else ''}?{query}", headers)
        if answer.headers.get("content-length", str(len(answer.content))) != str(len(answer.content)):
            raise translate_status(0, "", self._name(""), listed=False, silence="it closed the connection")
        return answer

    def _ask(self, method: str, rest: str, headers: Mapping[str, str]) -> AWSResponse:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError

        payer = {"x-amz-request-payer": "requester"} if self._options.requester_pays else {}
        request = AWSRequest(method, self._endpoint.url + rest, headers={**headers, **payer})
        credentials = self._find_credentials()
        if credentials is not None:
            S3SigV4Auth(credentials, "s3", self._endpoint.region).add_auth(request)
        try:
            return self._session.send(request.prepare())
        except (BotoCoreError, OSError, ValueError):
            fault = translate_status(0, "", self._name(""), listed=False)
        raise fault  # here, where what failed is not its context: that may hold what was sent

    def _find_credentials(self) -> Credentials | None:
        from botocore.credentials import Credentials
        from botocore.exceptions import BotoCoreError, ClientError

        if self._access.provider is None:
            return None
        try:
            given = self._access.provider()
            return Credentials(given["access_key_id"], given["secret_access_key"], given["token"])
        except (BotoCoreError, ClientError, OSError, ValueError):
            fault = no_credentials(self._name(""))
        raise fault

    def _check(self, answer: AWSResponse, location: str) -> None:
        if answer.status_code != 200:
            raise self._translate(answer.status_code, answer.content.decode(errors="replace"), location)

    @staticmethod
    def _translate(status: int, text: str, location: str) -> LakeqError:
        code = _find(text, "Code", r"\w{1,80}")
        if status == 500 and not code:
            return unreadable(location)
        return translate_status(status, code, location, listed=False)

    def _read_page(self, answer: AWSResponse, location: str) -> ListedPage:
        try:
            text = answer.content.decode()
            if "</ListBucketResult>" not in text:
                # An error that the store met after it had begun to answer.
                raise self._translate(500, text, location)
            rows = read_entries(text)
            self._knows_restores = self._knows_restores or "<RestoreStatus>" in text
            folders = tuple(_unescape(name) for name in _PREFIX.findall(text))
            goes_on = _find(text, "IsTruncated") == "true"
            token = _unescape(_find(text, "NextContinuationToken")) if goes_on else ""
            if goes_on and not token:
                raise ValueError("a page that is not the last, and leads to no other")
            return ListedPage(_to_listing(rows), folders, token or None)
        except (ValueError, pa.ArrowException):
            fault = unreadable(location)
        raise fault

    def _name(self, key: str) -> str:
        return f"s3://{self._endpoint.bucket}/{key}"


Entry = tuple[str, str, str, str, str, str]
"""Key, time, ETag, size, class and restore status of an object, as a page spells them."""


def read_entries(text: str) -> list[Entry]:
    """The objects of a page of XML, in its order."""
    count = text.count("<Contents>")
    rows: list[Entry] = _ENTRY.findall(text)
    if len(rows) == count:
        return rows
    entries = _ANY_ENTRY.findall(text)
    if len(entries) != count:
        raise ValueError("a page that is cut")
    return list(map(_read_entry, entries))


def _read_entry(text: str) -> Entry:
    key, written, etag, size, storage_class = (_find(text, name) for name in _ELEMENTS)
    return key, written, etag, size, storage_class, _find(text, "RestoreStatus", ".*?")


def _to_listing(rows: list[Entry]) -> pa.Table:
    keys, times, etags, sizes, classes, restores = zip(*rows, strict=True) if rows else [()] * 6
    paths = [_unescape(key) for key in keys] if any("&" in key for key in keys) else keys
    told = _tell_classes(classes, restores)
    columns = [
        pa.array(paths, pa.string()),
        pa.array(sizes, pa.string()).cast(pa.int64()),
        pc.replace_substring(pa.array(etags, pa.string()), "&quot;", '"'),
        pa.array(times, pa.string()).cast(pa.timestamp("us", tz="UTC")),
        pa.array(told, pa.string()),
    ]
    if pc.any(pc.equal(columns[0], "")).as_py():
        raise ValueError("an object without a key")
    return pa.table(columns, schema=LISTING_SCHEMA)


def _tell_classes(classes: Iterable[str], restores: Iterable[str]) -> list[str | None]:
    known: dict[tuple[str, str], str | None] = {}
    told = []
    for pair in zip(classes, restores, strict=True):
        if pair not in known:
            known[pair] = tell_class(*pair)
        told.append(known[pair])
    return told


def _code(answer: AWSResponse) -> str:
    """The code of an error, if it has one."""
    return _find(answer.content.decode(errors="replace"), "Code", r"\w{1,80}")


def _find(text: str, name: str, content: str = "[^<]*") -> str:
    match = re.search(f"<{name}>({content})</{name}>", text, re.DOTALL)
    return match.group(1) if match else ""


def _unescape(text: str) -> str:
    return _ESCAPE.sub(_read_escape, text) if "&" in text else text


def _read_escape(match: re.Match[str]) -> str:
    named, decimal, hexadecimal = match.groups()
    return _NAMED[named] if named else chr(int(decimal) if decimal else int(hexadecimal, 16))
