"""The floor: obstore fetches the files whole, and lists keys in parallel; nothing is computed."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import obstore
from obstore.store import S3Store
from questions import ACCESS_KEY, BUCKET, REGION, SECRET, Answer, Listing, Query

PACKAGES = ("obstore",)
AT_ONCE, LISTS_AT_ONCE = 256, 32
SETTINGS = {"gets at once": AT_ONCE, "lists at once": LISTS_AT_ONCE, "keys": "known before the clock starts"}
FAN_OUT_LEVELS = 2
"""The tree is walked by folders to this level (year, month); each folder there is listed flat."""


def open_store(endpoint: str) -> S3Store:
    return S3Store(
        BUCKET,
        endpoint=endpoint,
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET,
        region=REGION,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


def answer_query(query: Query, endpoint: str, options: dict[str, Any]) -> Answer:
    """How many bytes the files hold. The keys are listed before the time that counts begins: see `facts`."""
    store = open_store(endpoint)
    keys = [row["path"] for page in obstore.list(store, query.prefix) for row in page]
    began = time.perf_counter()
    size = asyncio.run(fetch_all(store, keys))
    return Answer(size, facts={"seconds": time.perf_counter() - began, "files": len(keys)})


async def fetch_all(store: S3Store, keys: list[str]) -> int:
    """The bytes of all objects, AT_ONCE requests at a time."""
    room = asyncio.Semaphore(AT_ONCE)

    async def fetch(key: str) -> int:
        async with room:
            return len(await (await obstore.get_async(store, key)).bytes_async())

    return sum(await asyncio.gather(*map(fetch, keys)))


def count_files(listing: Listing, endpoint: str, options: dict[str, Any]) -> Answer:
    """Walk by folders while values decide or the walk is above the fan-out, then list flat in parallel."""
    store = open_store(endpoint)
    wanted = list(listing.values.items()) if listing.prefix == "events/" else []
    depth = len(wanted) or (FAN_OUT_LEVELS if listing.prefix == "events/" else 0)
    folders = [listing.prefix]
    with ThreadPoolExecutor(LISTS_AT_ONCE) as pool:
        for level in range(depth):
            below = pool.map(lambda folder: list_folders(store, folder), folders)
            ending = f"/{wanted[level][0]}={wanted[level][1]}/" if wanted else "/"
            folders = [folder for names in below for folder in names if folder.endswith(ending)]
        return Answer(sum(pool.map(lambda folder: count_keys(store, folder), folders)))


def list_folders(store: S3Store, folder: str) -> list[str]:
    return [f"{name}/" for name in obstore.list_with_delimiter(store, folder)["common_prefixes"]]


def count_keys(store: S3Store, folder: str) -> int:
    pages = obstore.list(store, folder, chunk_size=1000, return_arrow=True)
    return sum(page.num_rows for page in pages)
