"""Objects of one bucket as a store, through obstore: S3, Google Cloud Storage, Azure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.errors import (
    AccessDeniedError,
    LakeqError,
    ObjectChangedError,
    ObjectNotFoundError,
    StorageError,
    StorageUnavailableError,
)
from lakeq.storage.base import LISTING_SCHEMA, FolderListing, SettingsAnswer, split_folder
from lakeq.storage.faults import endless, is_expired, translate_obstore_error
from lakeq.storage.pages import (
    PAGE_OBJECTS,
    ListedPage,
    PageLister,
    cut_page,
    drop_repeats,
    has_repeats,
    join_pages,
    own_page,
    sort_objects,
    to_listing,
    walk_pages,
)
from lakeq.storage.tally import count_request
from lakeq.storage.throttle import MOST_AT_ONCE, Throttle
from lakeq.storage.workers import Workers

if TYPE_CHECKING:
    from obstore import GetOptions

R = TypeVar("R")

_PATIENCE = 90.0


class ExactKeys(Protocol):
    """A slower way to the same bucket, for keys that obstore cannot spell (`a//b`, `./a`, `a/`)."""

    def read(self, key: str, start: int, length: int, etag: str | None) -> bytes:
        """Up to `length` bytes from `start` of the version `etag`; fewer where the object ends."""


class BucketStore:
    """The objects below `prefix` of one bucket, or `only` one of them.

    `bucket_url` is such as `s3://bucket`; `client` an obstore store over the whole bucket that tries no
    request twice; `exact` opens the way to keys that obstore cannot spell (None: there is none);
    `patience` is how long, in seconds, a request that fails for a passing reason is made again; `renew`
    gives a client with new credentials for one whose have expired; `lister` opens a way to list that is
    taken instead of the client's (None: there is none).
    """

    def __init__(
        self,
        bucket_url: str,
        prefix: str,
        client: Any,
        exact: Callable[[], ExactKeys] | None = None,
        only: str | None = None,
        patience: float = _PATIENCE,
        renew: Callable[[], Any] | None = None,
        lister: Callable[[], PageLister] | None = None,
    ) -> None:
        self._bucket_url = bucket_url
        self._prefix = f"{prefix}/" if prefix else ""
        self._client = client
        self._open_exact = exact
        self._exact: ExactKeys | None = None
        self._only = only
        self._open_lister = lister
        self._lister: PageLister | None = None
        self._throttle = Throttle(patience)
        self._renew = renew
        self._renewing = threading.Lock()
        self.workers = Workers(MOST_AT_ONCE)

    @property
    def root(self) -> str:
        return f"{self._bucket_url}/{self._prefix}".removesuffix("/")

    @property
    def is_local(self) -> bool:
        return False

    def list(self, prefix: str = "") -> pa.Table:
        """See Store.list. `storage_class` is null without a lister: obstore does not tell it."""
        if self._only is not None:
            return self._list_only(self._only, prefix)
        folder = self._prefix + prefix
        pages = list(self._pages(folder))
        found = self._settle(self._below(page, folder) for page in pages)
        if not prefix and not any(page.num_rows for page in pages):
            self._check_found(found)
        return found

    def list_page(self, prefix: str = "", after: str = "") -> tuple[pa.Table, bool]:
        """See PrefixStore.list_page."""
        if self._only is not None:
            return self._list_only(self._only, prefix), True
        folder = self._prefix + prefix
        key = self._prefix + after if after else None
        first = next(self._pages(folder, key), LISTING_SCHEMA.empty_table())
        if not prefix and not after:
            self._check_found(first)
        return self._settle([self._below(first, folder)]), first.num_rows < PAGE_OBJECTS

    def list_folder(self, prefix: str) -> FolderListing:
        """See PrefixStore.list_folder."""
        if self._only is not None:
            return FolderListing((), self._list_only(self._only, prefix))
        folder = self._prefix + prefix
        answer = self._ask_folder(folder) if self._open_lister is None else self._list_folder(folder)
        if answer is None:
            return split_folder(self.list(prefix), prefix)
        folders, objects = answer
        cut, found = len(self._prefix), self._settle([self._below(objects, folder)])
        return FolderListing(tuple(name[cut:] for name in folders), found)

    def list_range(self, prefix: str, start: str, stop: str) -> pa.Table:
        """See PrefixStore.list_range."""
        folder, after = self._prefix + prefix, None
        if start > prefix:
            # A listing begins after a key: after one that comes a little before `start`.
            after = self._prefix + start[:-1]
        inside: list[pa.Table] = []
        for page in self._pages(folder, after):
            inside.append(own_page(cut_page(self._below(page, folder), start, stop)))
            if page.num_rows and page["path"][-1].as_py() >= self._prefix + stop:
                break
        return self._settle(inside)

    def read(self, path: str, start: int, length: int, etag: str | None) -> bytes:
        """See Store.read."""
        if not length:
            return b""
        got = self._call(lambda: self._read_once(path, start, length, etag))
        if len(got) != length:
            raise self._short(path, start, length, len(got))
        return got

    @property
    def tells_classes(self) -> bool:
        """See ClassStore."""
        return self._open_lister is not None

    @property
    def tells_restores(self) -> bool:
        """See ClassStore."""
        return self.tells_classes and self._listing().tells_restores

    def read_class(self, path: str) -> str | None:
        """See ClassStore."""
        return self._call(lambda: self._listing().read_class(self._prefix + path))

    @property
    def tells_settings(self) -> bool:
        """See SettingsStore."""
        return self._open_lister is not None

    def ask_settings(self, query: str) -> SettingsAnswer:
        """See SettingsStore."""
        return self._call(lambda: self._listing().ask_settings(query))

    def url(self, path: str) -> str:
        return f"{self._bucket_url}/{self._prefix}{path}"

    def _call(self, ask: Callable[[], R]) -> R:
        """What `ask` gives, tried again for passing faults, and once with new credentials."""
        client = self._client
        try:
            return self._throttle.call(ask)
        except AccessDeniedError as error:
            if self._renew is None or not is_expired(error):
                raise
        with self._renewing:  # many threads see it at once
            if self._client is client:
                self._client, self._exact = self._renew(), None
                if self._lister is not None:
                    self._lister.renew()
        return self._throttle.call(ask)

    def _read_once(self, path: str, start: int, length: int, etag: str | None) -> bytes:
        got, size = self._get(path, start, length, etag)
        if len(got) < min(length, size - start):  # the object has more: it was the answer that was cut short
            raise self._short(path, start, length, len(got))
        return got

    def _short(self, path: str, start: int, length: int, got: int) -> StorageUnavailableError:
        url = self.url(path)
        return StorageUnavailableError(
            f"'{url}' gave {got} bytes from byte {start}; {length} were asked for. Try again.", url
        )

    def _check_found(self, found: pa.Table) -> None:
        if self._prefix and not found.num_rows:
            raise ObjectNotFoundError(f"Nothing is stored under '{self.root}/'. Check the path.", self.root)

    def _below(self, found: pa.Table, folder: str) -> pa.Table:
        """The objects below `folder` with paths relative to the root."""
        # The marker object of the folder itself is the one row that is not below it.
        below = pc.and_(
            pc.starts_with(found["path"], folder), pc.greater(pc.utf8_length(found["path"]), len(folder))
        )
        found = found if pc.all(below).as_py() else found.filter(below)
        paths = pc.utf8_slice_codeunits(found["path"], start=len(self._prefix))
        return found.set_column(0, LISTING_SCHEMA.field("path"), paths.cast(pa.string())).cast(LISTING_SCHEMA)

    def _settle(self, pages: Iterable[pa.Table]) -> pa.Table:
        """The objects of pages, sorted, each once."""
        found = sort_objects(join_pages(pages))
        if not has_repeats(found):
            return found
        if self._open_lister is None:  # to obstore `a/` is `a`
            raise _unspeakable(self.root)
        return drop_repeats(found, self.root)

    def _pages(self, folder: str, after: str | None = None) -> Iterator[pa.Table]:
        """The pages of a listing of all keys below `folder`, each asked for when it is wanted."""
        if self._open_lister is None:
            return self._client_pages(folder, after)
        pages = walk_pages(partial(self._ask_page, folder, after), f"{self._bucket_url}/{folder}")
        return (page for page, _ in pages)

    def _client_pages(self, folder: str, after: str | None) -> Iterator[pa.Table]:
        """The same as obstore spells the keys. StorageError when it cannot spell one."""
        import obstore
        from obstore.exceptions import BaseError, InvalidPathError

        if not _is_plain(folder.removesuffix("/")):
            raise _unspeakable(f"{self._bucket_url}/{folder}")
        state = _Listing(after)

        def ask() -> pa.Table | None:
            if state.stream is None:
                state.stream = obstore.list(
                    self._client,
                    prefix=folder or None,
                    offset=state.last,
                    chunk_size=PAGE_OBJECTS,
                    return_arrow=True,
                )
            count_request("list")
            try:
                page = next(state.stream, None)
            except (InvalidPathError, ValueError) as error:
                raise _unspeakable(f"{self._bucket_url}/{folder}") from error
            except (BaseError, OSError) as error:
                state.stream = None  # the next try begins after the last page that came
                raise translate_obstore_error(error, f"{self._bucket_url}/{folder}", listed=False) from error
            return None if page is None else to_listing(pa.Table.from_batches([pa.record_batch(page)]))

        while (page := self._call(ask)) is not None and page.num_rows:
            last = page["path"][-1].as_py()
            if last in state.ends:
                raise endless(f"{self._bucket_url}/{folder}")
            state.last = last
            state.ends.add(last)
            yield page
            if page.num_rows < PAGE_OBJECTS:
                return

    def _ask_page(self, prefix: str, after: str | None, token: str | None, delimiter: str = "") -> ListedPage:
        return self._call(lambda: self._listing().page(prefix, after, token, delimiter))

    def _list_folder(self, folder: str) -> tuple[tuple[str, ...], pa.Table]:
        """The folders directly in one, and the objects, as the lister tells."""
        ask = partial(self._ask_page, folder, None, delimiter="/")
        pages = list(walk_pages(ask, f"{self._bucket_url}/{folder}"))
        names = sorted({name for _, folders in pages for name in folders})
        return tuple(names), join_pages(page for page, _ in pages)

    def _listing(self) -> PageLister:
        assert self._open_lister is not None
        with self._renewing:
            if self._lister is None:
                self._lister = self._open_lister()
            return self._lister

    def _ask_folder(self, folder: str) -> tuple[tuple[str, ...], pa.Table] | None:
        """The folders directly in one, sorted, and the objects; None when obstore cannot spell them."""
        import obstore
        from obstore.exceptions import BaseError

        def ask() -> Any:
            count_request("list")
            try:
                return obstore.list_with_delimiter(self._client, folder or None, return_arrow=True)
            except (BaseError, OSError) as error:
                raise translate_obstore_error(error, f"{self._bucket_url}/{folder}", listed=False) from error

        try:
            answer = self._call(ask)
        except ValueError:
            return None
        folders = tuple(sorted(f"{name}/" for name in answer["common_prefixes"]))
        return folders, to_listing(pa.table(answer["objects"]))

    def _list_only(self, name: str, prefix: str) -> pa.Table:
        import obstore
        from obstore.exceptions import BaseError

        if not name.startswith(prefix):
            return LISTING_SCHEMA.empty_table()

        def ask() -> Any:
            count_request("head")
            try:
                return obstore.head(self._client, self._prefix + name)
            except (BaseError, OSError, ValueError) as error:
                raise translate_obstore_error(error, self.url(name), listed=False) from error

        head = self._call(ask)
        row = {"path": name, "size": head["size"], "etag": head["e_tag"], "modified": head["last_modified"]}
        return pa.Table.from_pylist([row], LISTING_SCHEMA)

    def _get(self, path: str, start: int, length: int, etag: str | None) -> tuple[bytes, int]:
        """What one request gave, and the size of the object as it told."""
        import obstore
        from obstore.exceptions import BaseError, InvalidPathError

        key = self._prefix + path
        if not _is_plain(key):
            return self._get_exact(path, start, length, etag)
        body = b""
        try:
            pinned: GetOptions = {"if_match": etag} if etag else {}
            result = obstore.get(self._client, key, options={"range": (start, start + length), **pinned})
            now = result.meta["e_tag"]
            body = result.bytes().to_bytes()
        except (InvalidPathError, ValueError):
            return self._get_exact(path, start, length, etag)
        except (BaseError, OSError) as error:
            raise translate_obstore_error(error, self.url(path), listed=etag is not None) from error
        finally:
            count_request("get", len(body))
        if etag is not None and now is not None and now.strip('"') != etag.strip('"'):
            # A server that does not know If-Match.
            raise ObjectChangedError(
                f"Object changed since it was listed: '{self.url(path)}' was replaced. "
                "Refresh the lake and run the query again.",
                self.url(path),
            )
        return body, result.meta["size"]

    def _get_exact(self, path: str, start: int, length: int, etag: str | None) -> tuple[bytes, int]:
        body = self._keys(path).read(self._prefix + path, start, length, etag)
        count_request("get", len(body))
        return body, start + len(body)

    def _keys(self, path: str) -> ExactKeys:
        if self._open_exact is None:
            raise _unspeakable(self.url(path))
        if self._exact is None:
            self._exact = self._open_exact()
        return self._exact


class _Listing:
    """How far a listing has come: its stream of pages, the last key that came, and the last of each page."""

    __slots__ = ("ends", "last", "stream")

    def __init__(self, last: str | None) -> None:
        self.last = last
        self.ends = {last}
        self.stream: Any = None


def _is_plain(key: str) -> bool:
    """Whether obstore keeps every slash of `key`."""
    return not key.startswith("/") and not key.endswith("/") and "//" not in key


def _unspeakable(location: str) -> LakeqError:
    return StorageError(
        f"Names with empty or '.' parts cannot be read there: '{location}'. Rename them.", location
    )
