"""The audit of a lake: how its bucket or its folder is set. Reads settings and listings, changes nothing."""

from __future__ import annotations

import datetime as dt
from functools import partial

from lakeq.audit.bucket import judge_bucket
from lakeq.audit.finding import Finding
from lakeq.audit.folder import judge_folder
from lakeq.audit.lifecycle import judge_lifecycle
from lakeq.catalog.catalog import Catalog
from lakeq.catalog.definitions import TableDefinition
from lakeq.catalog.table import TableFiles
from lakeq.errors import LakeqError
from lakeq.storage.base import SettingsStore
from lakeq.storage.bucket_posture import ask_posture
from lakeq.storage.folder_posture import look_at_folder


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
    declared = [table for table in catalog.definitions if table.is_absolute]
    inside = [table for table in declared if _is_in(bucket, table.location)]
    places = [store.root, *(table.location for table in inside)]
    broken: list[Finding] = []
    tables = partial(_list_tables, catalog, bucket, broken)
    today = dt.datetime.now(dt.UTC).date()
    lifecycle = tuple(judge_lifecycle(posture.lifecycle, bucket, places, tables, today))
    elsewhere = (_tell_elsewhere(table) for table in declared if table not in inside)
    return (*judge_bucket(posture), *lifecycle, *broken, *elsewhere)


def _is_in(bucket: str, location: str) -> bool:
    scheme, _, rest = location.partition("://")
    return scheme in ("s3", "s3a") and rest.partition("/")[0] == bucket


def _tell_elsewhere(table: TableDefinition) -> Finding:
    what = f"Not known of table {table.name}, which lies elsewhere: {table.location}."
    remedy = "Audit that location by itself."
    return Finding(
        "store", "unknown", what, "What is not known is not taken for safe.", remedy, table=table.name
    )


def _list_tables(catalog: Catalog, bucket: str, broken: list[Finding]) -> list[TableFiles]:
    """The tables in the bucket with all their files; a finding is added for one that cannot be listed."""
    view, found = catalog.view(), []
    for name in view.names():
        try:
            files = view.entry(name).files
        except LakeqError as error:
            what = f"Not known of table {name}, whose files cannot be told: {error}"
            broken.append(Finding("lifecycle", "unknown", what, table=name))
            continue
        if _is_in(bucket, files.store_root):
            found.append(files)
    return found
