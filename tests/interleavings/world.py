"""A table whose files change, and every version that each of them has had."""

from __future__ import annotations

import itertools
import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.lake import Version, body_of

TABLE = "t"
TEXTS = ("csv", "json")
STEPS = 8
"""Versions that a file of so many rows goes through before the first comes again."""
_SHIFT = 16
_MTIME = 1_790_000_000 * 10**9

State = Mapping[str, Version]
"""The version of each file, by its path in the table."""
BROKEN = Version(rows=-1)
"""Of a file that is none in its format."""


@dataclass
class World:
    """The files of a table below `folder`. `is_local`: lakeq opens the files themselves; else a server does,
    for which each write is one step and has a time of its own."""

    folder: Path
    file_format: str
    is_local: bool
    files: dict[str, Version] = field(default_factory=dict)
    listed_at: int = 0
    """When files were listed last, on the world's own clock, which each change moves on."""
    clock: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    _past: dict[str, list[tuple[int, Version | None]]] = field(default_factory=dict)
    _times: Iterator[int] = field(default_factory=lambda: itertools.count(_MTIME, 10**9))

    def path(self, p: int, name: str = "f") -> str:
        """The path of a file in the table."""
        return f"p={p}/{name}.{self.file_format}"

    def begin(self, state: State) -> None:
        """Have just these files, and no past."""
        for path in [path for path in self.files if path not in state]:
            (self.folder / path).unlink(missing_ok=True)
        for path, version in state.items():
            if self.files.get(path) != version:
                self._put(path, version)
        self.files, self._past, self.clock, self.listed_at = dict(state), {}, 0, 0

    def note_listing(self) -> None:
        """Files were listed, up to now."""
        with self.lock:
            self.listed_at = self.clock

    def set(
        self, path: str, version: Version | None, write: Callable[[Path, bytes], None] | None = None
    ) -> None:
        """Give a file another version (None: none), by `write` or as one step."""
        with self.lock:
            self.clock += 1
            self._past.setdefault(path, [(0, self.files.get(path))]).append((self.clock, version))
            if version is None:
                (self.folder / path).unlink(missing_ok=True)
                self.files.pop(path, None)
                return
            if write is None:
                self._put(path, version)
            else:
                write(self.folder / path, self.body(version))
            self.files[path] = version

    def states(self, since: int) -> Iterator[dict[str, Version]]:
        """What may have been listed: each file as it was at some moment from `since` to the last listing."""
        paths = sorted({*self.files, *self._past})
        choices = [self._versions(path, since) for path in paths]
        for versions in itertools.product(*choices):
            yield {path: v for path, v in zip(paths, versions, strict=True) if v is not None}

    def body(self, version: Version) -> bytes:
        """The bytes of a file."""
        if version.rows < 0:
            return body_of(self.file_format, Version(40))[:-100]
        return body_of(self.file_format, version)

    def _versions(self, path: str, since: int) -> list[Version | None]:
        past = self._past.get(path)
        if past is None:
            return [self.files.get(path)]
        first = [version for at, version in past if at <= since][-1]
        return list(dict.fromkeys([first, *(v for at, v in past if since < at <= self.listed_at)]))

    def _put(self, path: str, version: Version) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        part = self.folder.parent / "part"
        part.write_bytes(self.body(version))
        if not self.is_local:
            now = next(self._times)
            os.utime(part, ns=(now, now))
        os.replace(part, target)


Change = Callable[[World, random.Random], None]


def next_version(version: Version, rows: int | None = None) -> Version:
    """Another version, of as many rows or of `rows`."""
    shift = (version.shift // _SHIFT + 1) % STEPS * _SHIFT
    return Version(version.rows if rows is None else rows, shift)


def pick(world: World, rng: random.Random) -> str:
    """A file that may change: those of p = 3 never do, so that the table stays."""
    return rng.choice(sorted(path for path in world.files if not path.startswith("p=3/")) or [world.path(1)])


def version_of(world: World, path: str) -> Version:
    """The version of a file that is there, or was."""
    found = world.files.get(path)
    return Version(40) if found is None or found == BROKEN else found


def add(world: World, rng: random.Random) -> None:
    """A file more, in a partition that is there or in a new one."""
    world.set(world.path(rng.choice([1, 2, 5]), f"new{world.clock}"), Version(40, _SHIFT))


def replace_same_size(world: World, rng: random.Random) -> None:
    path = pick(world, rng)
    world.set(path, next_version(version_of(world, path)))


def replace_other_size(world: World, rng: random.Random) -> None:
    path = pick(world, rng)
    world.set(path, next_version(version_of(world, path), rng.choice([7, 60])))


def remove(world: World, rng: random.Random) -> None:
    world.set(pick(world, rng), None)


def recreate(world: World, rng: random.Random) -> None:
    """Removed, and written anew with as many bytes: a filesystem may give it the inode of the file before."""
    path = pick(world, rng)
    version = next_version(version_of(world, path))
    world.set(path, None)
    world.set(path, version, _overwrite if world.is_local else None)


def rename(world: World, rng: random.Random) -> None:
    """The same bytes by another name; on a server, a copy and a removal."""
    path = pick(world, rng)
    version = world.files.get(path)
    if version is not None:
        world.set(path, None)
        world.set(path.replace(f".{world.file_format}", f"-{world.clock}.{world.file_format}"), version)


def write_in_place(world: World, rng: random.Random) -> None:
    """Other bytes in the same file, as many or more."""
    path = pick(world, rng)
    before = version_of(world, path)
    version = next_version(before, before.rows + rng.choice([0, 0, 5]))
    world.set(path, version, _overwrite)


def truncate(world: World, rng: random.Random) -> None:
    """The file cut: of text, after a whole line; of other formats, anywhere."""
    path = pick(world, rng)
    if path in world.files:
        before = version_of(world, path)
        version = Version(before.rows // 2, before.shift) if world.file_format in TEXTS else BROKEN
        world.set(
            path, version, lambda target, body: os.truncate(target, min(len(body), target.stat().st_size - 1))
        )


CHANGES: tuple[Change, ...] = (add, add, replace_same_size, replace_other_size, remove, recreate, rename)
LOCAL_CHANGES: tuple[Change, ...] = (*CHANGES, write_in_place, truncate)


def _overwrite(path: Path, body: bytes) -> None:
    with open(path, "r+b" if path.exists() else "wb") as file:
        file.write(body)
        file.truncate()
