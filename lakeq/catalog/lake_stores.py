"""LakeStores: where the files of a lake lie, what they are read through, and what was listed there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any

from lakeq.catalog.listings import Listings
from lakeq.storage.base import PrefixStore, Store
from lakeq.storage.progress import Reporter
from lakeq.storage.stores import open_store


class LakeStores:
    """The stores of one lake: `root` is its own, others are those of tables that were declared elsewhere.

    `options` are what each is opened with; `wrap` gives what the files of a store are read through; `lock` is
    the one of the catalog.
    """

    def __init__(
        self,
        location: str,
        options: Mapping[str, Any],
        wrap: Callable[[Store], Store],
        report: Reporter,
        clock: Callable[[], float],
        lock: RLock,
    ) -> None:
        self._options = options
        self._wrap = wrap
        self._report = report
        self._clock = clock
        self._lock = lock
        self._stores: dict[str, Store] = {}
        self._readers: dict[str, Store] = {}
        self._listings: dict[str, Listings] = {}
        self.root = self.open(location)

    @property
    def lists_parts(self) -> bool:
        """Whether parts of the lake's own store can be listed by themselves."""
        return isinstance(self.root, PrefixStore)

    def open(self, location: str) -> Store:
        """The store at a location; the same for the same place."""
        store = open_store(location, **self._options)
        store = self._stores.setdefault(store.root, store)
        self._readers.setdefault(store.root, self._wrap(store))
        return store

    def open_beside(self, location: str) -> Store:
        """A store that is no part of the lake, with the lake's own options where it is no folder."""
        is_folder = "://" not in location or location.startswith("file://")
        return open_store(location, **({} if is_folder else self._options))

    def reader(self, root: str) -> Store:
        """What the files of the store with this root are read through, as `Table.store_root` names it."""
        return self._readers[root]

    def close(self) -> None:
        """Have no thread wait for work of these stores."""
        for store in self._stores.values():
            store.workers.close()

    def listings(self, store: Store) -> Listings | None:
        """The listings of a store of which parts can be listed; None for others."""
        if not isinstance(store, PrefixStore):
            return None
        with self._lock:
            if store.root not in self._listings:
                self._listings[store.root] = Listings(store, None, self._clock, self._report)
            return self._listings[store.root]
