"""The rows of an inventory's files as a listing: checked, read a part at a time, only what is there now."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_plus

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.inventory import Inventory, InventoryFile, fold_column
from lakeq.errors import CorruptFileError, ObjectNotFoundError, StorageError
from lakeq.storage.base import LISTING_SCHEMA
from lakeq.storage.classes import tell_class
from lakeq.storage.progress import Meter

_PIECE_BYTES, _PIECES_AT_ONCE = 8 * 2**20, 4
_BATCH_ROWS = 128 * 1024
_TAKEN = (
    "key", "size", "lastmodifieddate", "etag", "storageclass", "islatest", "isdeletemarker",
    "intelligenttieringaccesstier",
)  # fmt: skip
_FLAGS = {"islatest", "isdeletemarker"}
_MOMENT = pa.timestamp("us", tz="UTC")
_ASCII = r"(?P<escape>%(?:2[0-46-9A-Fa-f]|[3-7][0-9A-Fa-f]))"
"""An escape of a character of ASCII other than %."""


def read_inventory(inventory: Inventory, prefix: str, scratch: Path, meter: Meter) -> Iterator[pa.Table]:
    """The objects below `prefix` ("" or ending in `/`) in LISTING_SCHEMA with paths relative to it, in no
    order, a part at a time: of versions the latest, deleted ones left out.

    A file is fetched to the folder `scratch` before it is read. ObjectNotFoundError and CorruptFileError name
    one that is gone, or is not the one that the manifest speaks of.
    """
    for file in inventory.files:
        local = _fetch(inventory, file, scratch)
        try:
            for batch in _read_batches(local, inventory):
                meter.advance(batch.num_rows)
                yield _to_listing(batch, prefix, inventory.format == "csv")
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            raise _broken(inventory, file, f"cannot be read as {inventory.format}: {error}") from error
        finally:
            if not inventory.store.is_local:
                local.unlink(missing_ok=True)


def _fetch(inventory: Inventory, file: InventoryFile, scratch: Path) -> Path:
    """The file on this machine, once its size and MD5 are those that the manifest tells."""
    store, digest = inventory.store, hashlib.md5(usedforsecurity=False)
    if store.is_local:
        local = Path(store.url(file.path))
        if not local.is_file():
            raise _missing(inventory, file)
        if local.stat().st_size != file.size:
            raise _broken(
                inventory, file, f"has {local.stat().st_size:,} bytes, the manifest tells {file.size:,}"
            )
        with local.open("rb") as source:
            while piece := source.read(_PIECE_BYTES):
                digest.update(piece)
    else:
        local = scratch / "fetched"
        starts = range(0, file.size, _PIECE_BYTES)
        with local.open("wb") as target:
            for first in range(0, len(starts), _PIECES_AT_ONCE):
                for piece in _read_pieces(inventory, file, starts[first : first + _PIECES_AT_ONCE]):
                    digest.update(piece)
                    target.write(piece)
    if digest.hexdigest() != file.md5:
        raise _broken(inventory, file, f"has the MD5 {digest.hexdigest()}, the manifest tells {file.md5}")
    return local


def _read_pieces(inventory: Inventory, file: InventoryFile, starts: range) -> list[bytes]:
    store = inventory.store
    try:
        return store.workers.map(
            lambda at: store.read(file.path, at, min(_PIECE_BYTES, file.size - at), None), starts
        )
    except ObjectNotFoundError as error:
        raise _missing(inventory, file) from error
    except StorageError as error:
        if "asked for" in str(error):  # the object ends before the size that the manifest tells
            raise _broken(
                inventory, file, f"is shorter than the manifest tells ({file.size:,} bytes)"
            ) from error
        raise


def _read_batches(local: Path, inventory: Inventory) -> Iterator[pa.Table]:
    """The columns that matter, by their folded names."""
    folded = {fold_column(name): name for name in inventory.columns}
    names = [folded[name] for name in _TAKEN if name in folded]
    if inventory.format == "parquet":
        import pyarrow.parquet as pq

        with pq.ParquetFile(local) as file:
            for batch in file.iter_batches(_BATCH_ROWS, columns=names):
                yield _fold(pa.Table.from_batches([batch]), names)
    elif inventory.format == "orc":
        from pyarrow import orc

        stripes = orc.ORCFile(os.fspath(local))
        for number in range(stripes.nstripes):
            stripe = pa.Table.from_batches([stripes.read_stripe(number, columns=names)])
            for first in range(0, stripe.num_rows, _BATCH_ROWS):
                yield _fold(stripe.slice(first, _BATCH_ROWS), names)
    else:
        yield from _read_csv(local, inventory.columns, names)


def _read_csv(local: Path, columns: tuple[str, ...], names: list[str]) -> Iterator[pa.Table]:
    from pyarrow import csv

    kinds = {name: pa.bool_() if fold_column(name) in _FLAGS else pa.string() for name in names}
    kinds |= {name: pa.int64() for name in names if fold_column(name) == "size"}
    kinds |= {name: pa.timestamp("ms", tz="UTC") for name in names if fold_column(name) == "lastmodifieddate"}
    with pa.input_stream(os.fspath(local), compression="gzip") as source:
        reader = csv.open_csv(
            source,
            csv.ReadOptions(column_names=list(columns), block_size=_PIECE_BYTES),
            convert_options=csv.ConvertOptions(
                include_columns=names,
                column_types=kinds,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
        for batch in reader:
            yield _fold(pa.Table.from_batches([batch]), names)


def _fold(rows: pa.Table, names: list[str]) -> pa.Table:
    return rows.select(names).rename_columns([fold_column(name) for name in names]).combine_chunks()


def _to_listing(rows: pa.Table, prefix: str, is_encoded: bool) -> pa.Table:
    known = set(rows.column_names)
    keep = pc.starts_with(rows["key"], prefix) if prefix and not is_encoded else None
    for name, stands_for in (("islatest", True), ("isdeletemarker", False)):
        if name in known:
            told = pc.fill_null(rows[name], stands_for)
            told = told if stands_for else pc.invert(told)
            keep = told if keep is None else pc.and_(keep, told)
    rows = rows if keep is None or pc.all(keep).as_py() else rows.filter(keep)
    paths = rows["key"].combine_chunks().cast(pa.string())
    if is_encoded:
        paths = decode_keys(paths)
        inside = pc.starts_with(paths, prefix)
        if not pc.all(inside, min_count=0).as_py():
            rows, paths = rows.filter(inside), paths.filter(inside)
    if prefix:  # the marker object of the lake's own folder is not in it
        inside = pc.not_equal(paths, prefix)
        if not pc.all(inside, min_count=0).as_py():
            rows, paths = rows.filter(inside), paths.filter(inside)
        paths = pc.utf8_slice_codeunits(paths, len(prefix))
    count = rows.num_rows
    columns = [
        paths,
        pc.fill_null(rows["size"].cast(pa.int64()), 0),
        _etags(rows) if "etag" in known else pa.nulls(count, pa.string()),
        _moments(rows["lastmodifieddate"]) if "lastmodifieddate" in known else pa.nulls(count, _MOMENT),
        _classes(rows) if "storageclass" in known else pa.nulls(count, pa.string()),
    ]
    return pa.table(columns, schema=LISTING_SCHEMA)


def decode_keys(keys: pa.Array) -> pa.Array:
    """Keys as they are from keys as CSV has them: encoded for URLs, a space as `+`."""
    if not pc.any(pc.match_substring_regex(keys, "[%+]")).as_py():
        return keys
    # Escapes of ASCII are replaced over the whole column: `year=2026` is `year%3D2026` in every row. That of
    # % itself comes last, so that what it gives is not taken for an escape.
    plain = pc.replace_substring(keys, "+", " ")
    while escapes := pc.unique(pc.struct_field(pc.extract_regex(plain, _ASCII), 0)).drop_null().to_pylist():
        for escape in escapes:
            plain = pc.replace_substring(plain, escape, unquote_plus(escape))
    others = pc.match_substring_regex(plain, "%[^2]|%2[^5]")
    if pc.any(others).as_py():  # UTF-8 beyond ASCII: whole keys, one by one
        decoded = [unquote_plus(key, errors="strict") for key in keys.filter(others).to_pylist()]
        return pc.replace_with_mask(
            pc.replace_substring(plain, "%25", "%"), others, pa.array(decoded, pa.string())
        )
    return pc.replace_substring(plain, "%25", "%")


def _etags(rows: pa.Table) -> pa.Array:
    """As a listing has them: in quotes, which an inventory leaves out."""
    bare = pc.utf8_trim(rows["etag"].combine_chunks().cast(pa.string()), '"')
    bare = pc.if_else(pc.equal(bare, ""), pa.scalar(None, pa.string()), bare)
    return pc.binary_join_element_wise('"', bare, '"', "")


def _moments(written: pa.ChunkedArray) -> pa.Array:
    """In UTC, which files without a zone mean."""
    column = written.combine_chunks()
    if column.type.tz is None:
        return pc.assume_timezone(column.cast(pa.timestamp("us"), safe=False), "UTC")
    return column.cast(_MOMENT, safe=False)


def _classes(rows: pa.Table) -> pa.Array:
    names = rows["storageclass"].combine_chunks().cast(pa.string())
    tiers = (
        rows["intelligenttieringaccesstier"].combine_chunks().cast(pa.string())
        if "intelligenttieringaccesstier" in rows.column_names
        else pa.nulls(len(names), pa.string())
    )
    pairs = pc.binary_join_element_wise(
        pc.fill_null(names, ""), pc.fill_null(tiers, ""), " "
    ).dictionary_encode()
    told = [
        tell_class(name, "", _tier(tier))
        for name, _, tier in (p.partition(" ") for p in pairs.dictionary.to_pylist())
    ]
    return pa.array(told, pa.string()).take(pairs.indices)


def _tier(name: str) -> str:
    """An access tier as HEAD spells it, whichever way an inventory does: `ARCHIVE` is `ARCHIVE_ACCESS`."""
    return name if name.endswith("_ACCESS") else f"{name}_ACCESS"


def _missing(inventory: Inventory, file: InventoryFile) -> ObjectNotFoundError:
    url = inventory.store.url(file.path)
    return ObjectNotFoundError(
        f"A file of the inventory '{inventory.manifest}' is gone: '{url}'. Name a newer inventory, or copy "
        "all of its files.",
        url,
    )


def _broken(inventory: Inventory, file: InventoryFile, what: str) -> CorruptFileError:
    url = inventory.store.url(file.path)
    return CorruptFileError(
        f"'{url}' {what}. It is a file of the inventory '{inventory.manifest}': name another inventory.", url
    )
