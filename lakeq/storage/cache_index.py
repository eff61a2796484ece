"""What the disk cache holds, as rows of a SQLite database that many processes share.

The database is never worth an error: one that is locked, or on a disk that is full or read-only, is done
without; one that is damaged is made anew.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

R = TypeVar("R")

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS blocks (key TEXT, start INTEGER, length INTEGER, folder TEXT, name TEXT, "
    "crc INTEGER, used INTEGER, PRIMARY KEY (key, start, length, folder)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS by_use ON blocks (used, length)",
    "CREATE TABLE IF NOT EXISTS clock (id INTEGER PRIMARY KEY CHECK (id = 1), tick INTEGER)",
    "INSERT OR IGNORE INTO clock VALUES (1, 1)",
)
_COLUMNS = "key, start, length, folder, name, crc"
_BUSY_SECONDS = 2.0
_KEYS_AT_ONCE = 500
_LOW_WATER = 0.9
"""How full the cache is left by an eviction: room for more than one block is made at a time."""


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """Bytes of one version of one object in the file `folder`/`name` of the cache."""

    key: str
    start: int
    length: int
    folder: str
    name: str
    crc: int

    @property
    def stop(self) -> int:
        """Where in the object the block ends."""
        return self.start + self.length

    @property
    def file(self) -> str:
        """Its path below the cache's folder."""
        return f"{self.folder}/{self.name}"


class Lease:
    """While it is held, by a process that lives, no block that was found since it began is evicted."""

    def __init__(self, path: str, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def close(self) -> None:
        """Give it up."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with suppress(OSError):
                os.unlink(self._path)
            os.close(descriptor)


class CacheIndex:
    """The rows of the cache in `folder`. Safe to use from several threads and processes."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._path = os.path.join(folder, "blocks.sqlite")
        self._leases = os.path.join(folder, "leases")
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] = (0, 0)

    def find(self, keys: Sequence[str]) -> list[StoredBlock]:
        """The blocks of these objects, which count as used now."""
        return self._call(lambda db: _select_and_touch(db, keys), [])

    def find_leased(self, keys: Sequence[str]) -> tuple[Lease | None, list[StoredBlock]]:
        """The same, and a lease on them; None where none could be had."""

        def find(db: sqlite3.Connection) -> tuple[Lease | None, list[StoredBlock]]:
            with _writing(db):
                lease = self._make_lease(_next_tick(db))
            try:
                return lease, _select_and_touch(db, keys)
            except BaseException:
                lease.close()
                raise

        nothing: tuple[Lease | None, list[StoredBlock]] = (None, [])
        return self._call(find, nothing)

    def add(self, blocks: Sequence[StoredBlock], limit_bytes: int) -> list[StoredBlock] | None:
        """Record blocks that are written. The blocks whose files are to be deleted: those that had to go to
        keep within the limit, those that another process was quicker to record, and those for which there
        is no room. None when nothing could be recorded."""

        def add(db: sqlite3.Connection) -> list[StoredBlock]:
            with _writing(db):
                tick = _next_tick(db)
                repeated = [block for block in blocks if not _insert(db, block, tick)]
                return repeated + self._make_room(db, limit_bytes, tick)

        return self._call(add, None)

    def remove(self, blocks: Sequence[StoredBlock]) -> None:
        """Forget blocks whose files are gone or damaged."""

        def remove(db: sqlite3.Connection) -> None:
            with _writing(db):
                _delete(db, blocks)

        self._call(remove, None)

    def clear(self) -> list[StoredBlock]:
        """Forget all that no lease holds; what was forgotten."""

        def clear(db: sqlite3.Connection) -> list[StoredBlock]:
            with _writing(db):
                return self._evict(db, 1 << 62)

        return self._call(clear, [])

    def usage(self) -> tuple[int, int]:
        """How many blocks there are, and their bytes together."""
        sql = "SELECT count(*), coalesce(sum(length), 0) FROM blocks"
        row: tuple[int, int] = self._call(lambda db: db.execute(sql).fetchone(), (0, 0))
        return row

    def files(self) -> set[str] | None:
        """The paths of all blocks below the cache's folder; None when that cannot be told."""
        sql = "SELECT folder || '/' || name FROM blocks"
        return self._call(lambda db: {row[0] for row in db.execute(sql)}, None)

    def close(self) -> None:
        """Close the database; the next question opens it again."""
        with self._lock:
            self._disconnect()

    def _call(self, ask: Callable[[sqlite3.Connection], R], otherwise: R) -> R:
        """What `ask` answers; `otherwise`, where the database cannot be used now."""
        with self._lock:
            if not os.path.isdir(self._folder):
                return otherwise  # nothing was ever kept
            for _ in range(2):
                try:
                    return ask(self._connect())
                except (sqlite3.OperationalError, OSError) as error:
                    if not _is_misshapen(error):
                        self._disconnect()
                        return otherwise
                    self._make_anew()
                except (sqlite3.DatabaseError, UnicodeDecodeError, ValueError, TypeError):
                    self._make_anew()  # it is damaged
            return otherwise

    def _connect(self) -> sqlite3.Connection:
        if self._connection is not None and self._opened == (os.getpid(), _inode(self._path)):
            return self._connection
        self._connection = None  # one made before a fork is its parent's; one of a deleted file is no use
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] < len(_SCHEMA) - 1:
                with _writing(connection):
                    for statement in _SCHEMA:
                        connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        self._connection, self._opened = connection, (os.getpid(), _inode(self._path))
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and self._opened[0] == os.getpid():
            with suppress(sqlite3.Error):
                connection.close()

    def _make_anew(self) -> None:
        """Delete the database that is damaged, unless another process has just done so."""
        damaged = self._opened[1] if self._connection is not None else _inode(self._path)
        self._disconnect()
        with suppress(OSError), open(f"{self._path}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _inode(self._path) == damaged:
                for suffix in ("-wal", "-shm", ""):
                    with suppress(FileNotFoundError):
                        os.unlink(self._path + suffix)

    def _make_lease(self, tick: int) -> Lease:
        os.makedirs(self._leases, 0o700, exist_ok=True)
        path = os.path.join(self._leases, f"{tick}-{secrets.token_hex(8)}")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        # The kernel lets go of it when the process ends, however it ends.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return Lease(path, descriptor)

    def _oldest_lease(self) -> int:
        """The tick from which on leases that live hold blocks."""
        oldest = 1 << 62
        names = os.listdir(self._leases) if os.path.isdir(self._leases) else []
        for name in names:
            tick = name.partition("-")[0]
            if tick.isdigit() and _is_held(os.path.join(self._leases, name)):
                oldest = min(oldest, int(tick))
        return oldest

    def _make_room(self, db: sqlite3.Connection, limit_bytes: int, tick: int) -> list[StoredBlock]:
        total = db.execute("SELECT coalesce(sum(length), 0) FROM blocks").fetchone()[0]
        if total <= limit_bytes:
            return []
        gone = self._evict(db, total - int(limit_bytes * _LOW_WATER))
        total -= sum(block.length for block in gone)
        if total > limit_bytes:  # what is left is in use: the newest, which nobody has found yet, go
            newest = _take(db, "ORDER BY used DESC, key DESC", total - limit_bytes, tick)
            _delete(db, newest)
            gone += newest
        return gone

    def _evict(self, db: sqlite3.Connection, size: int) -> list[StoredBlock]:
        """Delete the rows that were not used for the longest, of `size` bytes if so many may go."""
        leased = self._oldest_lease()
        gone = _take(db, f"WHERE used < {leased} ORDER BY used, key", size)
        _delete(db, gone)
        return gone


def _take(db: sqlite3.Connection, which: str, size: int, tick: int | None = None) -> list[StoredBlock]:
    """Rows in this order until they have `size` bytes; with a `tick`, only those last used then."""
    taken: list[StoredBlock] = []
    for *row, used in db.execute(f"SELECT {_COLUMNS}, used FROM blocks {which}"):
        if size <= 0 or (tick is not None and used != tick):
            break
        taken.append(StoredBlock(*row))
        size -= taken[-1].length
    return taken


@contextmanager
def _writing(db: sqlite3.Connection) -> Iterator[None]:
    """A transaction that is the only one to write until the block ends."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise


def _next_tick(db: sqlite3.Connection) -> int:
    """The cache's own time, which goes on with every change."""
    db.execute("UPDATE clock SET tick = tick + 1")
    tick: int = db.execute("SELECT tick FROM clock").fetchone()[0]
    return tick


def _select_and_touch(db: sqlite3.Connection, keys: Sequence[str]) -> list[StoredBlock]:
    with _writing(db):
        tick = _next_tick(db)
        found: list[StoredBlock] = []
        for first in range(0, len(keys), _KEYS_AT_ONCE):
            some = keys[first : first + _KEYS_AT_ONCE]
            among = f"WHERE key IN ({','.join('?' * len(some))})"
            rows = db.execute(f"SELECT {_COLUMNS} FROM blocks {among}", some).fetchall()
            if rows:
                db.execute(f"UPDATE blocks SET used = ? {among}", [tick, *some])
            found += [StoredBlock(*row) for row in rows if _is_sound(*row)]
        return found


def _is_sound(key: Any, start: Any, length: Any, folder: Any, name: Any, crc: Any) -> bool:
    """Whether the values are of the types that were stored: a damaged database may give any."""
    texts = all(isinstance(text, str) and text for text in (key, folder, name))
    return texts and all(isinstance(number, int) and number >= 0 for number in (start, length, crc))


def _insert(db: sqlite3.Connection, block: StoredBlock, tick: int) -> bool:
    row = (block.key, block.start, block.length, block.folder, block.name, block.crc, tick)
    return db.execute("INSERT OR IGNORE INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?)", row).rowcount > 0


def _delete(db: sqlite3.Connection, blocks: Sequence[StoredBlock]) -> None:
    """The rows of just these files: another process may have written such a block anew."""
    db.executemany(
        "DELETE FROM blocks WHERE key = ? AND start = ? AND length = ? AND folder = ? AND name = ?",
        [(b.key, b.start, b.length, b.folder, b.name) for b in blocks],
    )


def _is_misshapen(error: Exception) -> bool:
    """Whether the database lacks what it should have: it is another's, or of another version."""
    return isinstance(error, sqlite3.OperationalError) and str(error).startswith(("no such", "table "))


def _is_held(path: str) -> bool:
    """Whether the lease at `path` is held by a process that lives; deleted, if not."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        with suppress(OSError):
            os.unlink(path)
        return False
    finally:
        os.close(descriptor)


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return -1
