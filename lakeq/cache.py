"""Where lakeq keeps what it need not ask for twice: catalogs and blocks of remote lakes, below one folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lakeq.catalog.facts_store import FactStore
from lakeq.catalog.saved import CatalogFolder
from lakeq.errors import CatalogError, ConfigError
from lakeq.quantities import parse_bytes
from lakeq.settings import find_setting
from lakeq.storage.block_cache import BlockCache

DEFAULT_BYTES = 10 * 1024**3
"""Up to so many bytes of remote files are kept on disk."""


@dataclass(frozen=True, slots=True)
class Cache:
    """The caches of a lake: the folder of its catalog, and the blocks of its files. None: nothing is kept."""

    catalog_folder: Path | None
    blocks: BlockCache | None


@dataclass(frozen=True, slots=True)
class CacheSize:
    """What the cache folder holds: entries and bytes of each kind."""

    folder: Path
    catalogs: int
    catalog_bytes: int
    blocks: int
    block_bytes: int
    block_limit_bytes: int


def find_cache_folder(folder: str | Path | None = None) -> Path:
    """The cache folder: the one given, LAKEQ_CACHE_DIR, or lakeq's folder in the user's cache folder."""
    chosen = find_setting("cache_dir", folder or None).value
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("lakeq")


def open_cache(blocks: bool | str | int | None = None, folder: str | Path | None = None) -> Cache:
    """The caches in `folder`. `blocks` says whether bytes of files are kept, or up to which size ("5GB");
    None: as LAKEQ_CACHE says (`on`, `off` or a size), else they are.

    Nothing is made before there is something to keep.
    """
    place, limit = find_cache_folder(folder), find_block_limit(blocks)
    return Cache(place / "catalog", BlockCache(str(place / "blocks"), limit) if limit else None)


def find_block_limit(blocks: bool | str | int | None = None) -> int:
    """Up to how many bytes of files are kept; 0: none. `blocks` as for `open_cache`. ConfigError for what is
    no size."""
    given = ("on" if blocks else "off") if isinstance(blocks, bool) else blocks
    found = find_setting("cache", given).parse(_parse_limit)
    return DEFAULT_BYTES if found is None else found


def _parse_limit(text: str) -> int:
    return {"on": DEFAULT_BYTES, "off": 0}[text] if text in ("on", "off") else parse_bytes(text)


def measure_cache(folder: str | Path | None = None) -> CacheSize:
    """How much the cache folder holds."""
    place = find_cache_folder(folder)
    catalogs, catalog_bytes = _measure_catalog(place / "catalog")
    blocks = BlockCache(str(place / "blocks"), DEFAULT_BYTES)
    try:
        usage = blocks.usage()
    finally:
        blocks.close()
    return CacheSize(place, catalogs, catalog_bytes, usage.entries, usage.bytes, DEFAULT_BYTES)


def clear_cache(folder: str | Path | None = None) -> CacheSize:
    """Remove everything in the cache folder; what was there. ConfigError when that fails."""
    before = measure_cache(folder)
    blocks = BlockCache(str(before.folder / "blocks"), DEFAULT_BYTES)
    try:
        blocks.clear()
        FactStore(before.folder / "catalog" / "facts").clear()
        CatalogFolder(before.folder / "catalog" / "listings").clear()
    except (OSError, CatalogError) as error:
        raise ConfigError(f"The cache cannot be cleared: {error}. Remove {before.folder}") from error
    finally:
        blocks.close()
    return before


def _measure_catalog(folder: Path) -> tuple[int, int]:
    listings, listing_bytes = CatalogFolder(folder / "listings").usage()
    _, fact_bytes = FactStore(folder / "facts").usage()
    return listings, listing_bytes + fact_bytes
