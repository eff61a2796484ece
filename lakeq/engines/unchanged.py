"""Whether the files of a plan are still those that were listed, for engines that open them by themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import pyarrow as pa

from lakeq.engines.groups import TableRead
from lakeq.errors import ObjectChangedError
from lakeq.storage.base import PrefixStore, Store
from lakeq.storage.local import is_version

_PAGE = 1000
"""Objects that a store tells of in the answer to one request."""


def check_files(read: TableRead, store: Store) -> None:
    """ObjectChangedError for a file of `read` that is gone or is another than was planned.

    Local files are looked at one by one, remote ones are listed: each folder from its first file to its last,
    or all between the table's first and last where that takes fewer requests.
    """
    columns = [read.files[name].to_pylist() for name in ("path", "etag")]
    planned = dict(zip(*columns, strict=True))
    if store.is_local:
        for path, etag in planned.items():
            if not is_version(store.url(path), etag):
                store.read(path, 0, 0, etag)  # says what became of it
                raise _changed(store, path)
        return
    found: dict[str, str | None] = {}
    for listed in _list_spans(store, sorted(planned), read.table.files_total):
        found.update(zip(listed["path"].to_pylist(), listed["etag"].to_pylist(), strict=True))
    for path, etag in planned.items():
        if path not in found or (etag is not None and found[path] != etag):
            raise _changed(store, path)


def _list_spans(store: Store, paths: Sequence[str], files_total: int | None) -> Iterator[pa.Table]:
    """The objects of a remote store from which `paths`, in order, are not left out."""
    if not paths:
        return
    if not isinstance(store, PrefixStore):
        yield store.list(_folder(_common(paths[0], paths[-1])))
        return
    spans: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        spans[_folder(path)].append(path)
    if len(spans) > max(files_total or 0, len(paths)) / _PAGE + 1:
        spans = {_folder(_common(paths[0], paths[-1])): list(paths)}
    yield from store.workers.map(
        lambda span: store.list_range(span[0], span[1][0], f"{span[1][-1]}\0"), spans.items()
    )


def _folder(path: str) -> str:
    return path[: path.rfind("/") + 1]


def _common(first: str, last: str) -> str:
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:same]


def _changed(store: Store, path: str) -> ObjectChangedError:
    url = store.url(path)
    return ObjectChangedError(
        f"'{url}' changed after the query was planned. Nothing of its answer counts: run it again.", url
    )
