"""The audit of a lake: how its bucket or its folder is set. Reads settings and listings, changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from lakeq.audit.bucket import judge_bucket
from lakeq.audit.finding import Finding
from lakeq.audit.folder import judge_folder
from lakeq.audit.lifecycle import judge_lifecycle
from lakeq.catalog.catalog import Catalog
from lakeq.catalog.table import TableFiles
from lakeq.errors import LakeqError
from lakeq.storage.base import SettingsStore
from lakeq.storage.bucket_posture import ask_posture
from lakeq.storage.folder_posture import look_at_folder

_Tables = Callable[[], Sequence[TableFiles]]


def audit_lake(catalog: Catalog) -> tuple[Finding, ...]:
    """What was found of the lake's own store. Tables are listed only where a lifecycle rule may concern
    them."""
    store = catalog.root
    if store.is_local:
        return tuple(judge_folder(look_at_folder(store.root)))
    if not isinstance(store, SettingsStore) or not store.tells_settings:
        scheme = store.root.partition("://")[0]
        return (
            Finding(
                "store",
                "unknown",
                f"Not supported: the settings of {scheme}:// are not asked for.",
                "What is not known is not taken for safe.",
                "Use the cloud's own tools. The audit knows s3:// and folders.",
            ),
        )
    bucket = store.root.removeprefix("s3://").partition("/")[0]
    posture = ask_posture(store, bucket)
    today = dt.datetime.now(dt.UTC).date()
    broken: list[Finding] = []
    tables = partial(_list_tables, catalog, bucket, broken)
    lifecycle = tuple(judge_lifecycle(posture.lifecycle, bucket, store.root, tables, today))
    return (*judge_bucket(posture), *lifecycle, *broken)


def _list_tables(catalog: Catalog, bucket: str, broken: list[Finding]) -> list[TableFiles]:
    """The tables with all their files, as far as they lie in the bucket; of others a finding is added."""
    view = catalog.view()
    return list(_take(view.names(), lambda name: view.entry(name).files, bucket, broken))


def _take(
    names: Sequence[str], find: Callable[[str], TableFiles], bucket: str, broken: list[Finding]
) -> Iterator[TableFiles]:
    for name in names:
        try:
            files = find(name)
        except LakeqError as error:
            what = f"Not known of table {name}, whose files cannot be told: {error}"
            broken.append(Finding("lifecycle", "unknown", what, table=name))
            continue
        if f"{files.store_root}/".startswith(f"s3://{bucket}/"):
            yield files
        else:
            what = f"Not known of table {name}, which lies elsewhere: {files.location}."
            broken.append(
                Finding("lifecycle", "unknown", what, "", "Audit that location by itself.", table=name)
            )
