"""The keys of encrypted Parquet: what a file tells of one, and how it is found. Never shown.

A writer keeps bytes of its own choice beside what it encrypts, to know the key again (parquet-format,
Encryption.md). parquet-java and pyarrow write JSON: the name of a master key, and the file's own key wrapped
in it, once or twice (parquet-java, `KeyMaterial`). Others write a name alone; DuckDB writes nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from lakeq.errors import ConfigError
from lakeq.formats.ciphers import KEY_BYTES, NotDecryptedError, check_installed, open_gcm
from lakeq.settings import ARGUMENT, DECLARED, find_setting, read_variables

FindKey = Callable[[str, str | None], bytes | None]
"""Called with the name of a key ("": the file does not tell it) and with a key that is wrapped in it, as its
writer's key service gave it, or None where the named key itself is wanted. Gives that key; None for unknown.
May be called from several threads at once."""

GivenKeys = Mapping[str, bytes | str] | FindKey
"""Keys by name, each 16, 24 or 32 bytes or those in base64, or what finds them."""

_MOST_SIGNS = 100


class KeyFaultError(Exception):
    """A key that cannot be had; the text says why, and has no part of a key."""


@dataclass(frozen=True, slots=True)
class KeyNote:
    """What a file tells of a key. `name` is "" where it tells none that can be shown."""

    name: str = ""
    wrapped: str | None = field(default=None, repr=False)
    outer: str | None = field(default=None, repr=False)
    """The wrapped key in which the other is wrapped, where there are two."""
    outer_id: str = ""
    is_elsewhere: bool = False


def read_note(metadata: bytes | None) -> KeyNote:
    """What the metadata of a key says; what is not understood says nothing."""
    text = (metadata or b"").decode(errors="replace")
    if not text.startswith("{"):
        return KeyNote(_show_name(text))
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return KeyNote()
    name = _show_name(str(told.get("masterKeyID", "")))
    if told.get("internalStorage") is False:
        return KeyNote(name, is_elsewhere=True)
    wrapped, outer = told.get("wrappedDEK"), told.get("wrappedKEK")
    if not isinstance(wrapped, str):
        return KeyNote(name)
    if not told.get("doubleWrapping"):
        return KeyNote(name, wrapped)
    return KeyNote(name, wrapped, str(outer), str(told.get("keyEncryptionKeyID", "")))


def _show_name(text: str) -> str:
    return text if text.isprintable() and "\ufffd" not in text and len(text) <= _MOST_SIGNS else ""


def find_parquet_keys(given: GivenKeys | None, declared: Mapping[str, str]) -> ParquetKeys:
    """The keys as given, else those in the variables that a `lakeq.toml` has `declared`, else those of
    LAKEQ_PARQUET_KEYS (JSON, keys in base64). ConfigError, which does not repeat them, for what is none."""
    found = find_setting("parquet_keys", given, {"parquet_keys": dict(declared) or None})
    if found.source == DECLARED:
        return ParquetKeys(read_variables(declared), "lakeq.toml", frozenset(declared))
    if found.value is None or found.source == ARGUMENT:
        return ParquetKeys(found.value)
    try:
        keys = json.loads(found.value)
    except (ValueError, RecursionError):
        keys = None
    if not isinstance(keys, dict):
        raise ConfigError(
            f'{found.source} must be JSON such as {{"kf": "MDEyMzQ1Njc4OWFiY2RlZg=="}}.'
        ) from None
    return ParquetKeys(keys, found.source)


class ParquetKeys:
    """The keys that a user gave. Thread-safe; a key that was unwrapped is kept in memory."""

    def __init__(
        self,
        given: GivenKeys | None = None,
        origin: str = "parquet_keys",
        declared: frozenset[str] = frozenset(),
    ) -> None:
        """`declared` are names of keys that belong there, given or not. ConfigError, which names `origin` and
        the key, for one that is none; and where the package is missing that decrypts."""
        if given is not None:
            check_installed()
        self._find = given if callable(given) else None
        named = {} if given is None or callable(given) else given
        self._named = {str(name): _check_key(name, key, origin) for name, key in named.items()}
        self._declared = declared
        self._unwrapped: dict[tuple[str, str | None], bytes] = {}
        self._lock = Lock()

    def find(self, note: KeyNote) -> Sequence[bytes]:
        """The key that a file tells of; of one without a name all that may be it. KeyFaultError for none."""
        if note.is_elsewhere:
            raise KeyFaultError("is kept in a file beside it, which lakeq does not read")
        if note.wrapped is None:
            if self._find is None and not note.name and self._named:
                return tuple(self._named.values())
            return (self._ask(note.name, None),)
        if note.outer is None:
            return (self._ask(note.name, note.wrapped),)
        outer = self._ask(note.name, note.outer)
        return (_unwrap(note.wrapped, outer, _decode(note.outer_id)),)

    def _ask(self, name: str, wrapped: str | None) -> bytes:
        """The key `name`, or the one that is `wrapped` in it."""
        with self._lock:
            known = self._unwrapped.get((name, wrapped))
        if known is not None:
            return known
        key = self._call(self._find, name, wrapped) if self._find else self._unwrap_named(name, wrapped)
        with self._lock:
            self._unwrapped[name, wrapped] = key
        return key

    def _unwrap_named(self, name: str, wrapped: str | None) -> bytes:
        key = self._named.get(name)
        if key is None and name in self._declared:
            # The variable is not named: who mistakes its place for the key's would see the key here.
            raise KeyFaultError("has a variable in lakeq.toml that is not set")
        if key is None:
            raise KeyFaultError("is not among those given" if self._named else "was not given")
        return key if wrapped is None else _unwrap(wrapped, key, name.encode())

    @staticmethod
    def _call(find: FindKey, name: str, wrapped: str | None) -> bytes:
        try:
            key = find(name, wrapped)
        except Exception as error:  # of a user's function, which may tell keys in its words
            raise KeyFaultError(f"could not be found: parquet_keys raised {type(error).__name__}") from error
        if key is None:
            raise KeyFaultError("is unknown to parquet_keys")
        if not isinstance(key, bytes) or len(key) not in KEY_BYTES:
            raise KeyFaultError("is no key: parquet_keys must return 16, 24 or 32 bytes, or None")
        return key


def _check_key(name: object, key: object, origin: str) -> bytes:
    found = key if isinstance(key, bytes) else b""
    if isinstance(key, str):
        try:
            found = base64.b64decode(key, validate=True)
        except (binascii.Error, ValueError):
            found = b""
    if len(found) not in KEY_BYTES:
        raise ConfigError(f"The key {name!r} of {origin} must be 16, 24 or 32 bytes, or these in base64.")
    return found


def _unwrap(wrapped: str, key: bytes, owner: bytes) -> bytes:
    """What is wrapped as parquet-java and Arrow do it by themselves: AES-GCM bound to its `owner`."""
    if wrapped.startswith("{"):  # LocalWrapKmsClient
        try:
            wrapped = str(json.loads(wrapped)["encryptedKey"])
        except (ValueError, LookupError, TypeError):
            wrapped = ""
    try:
        found = open_gcm(key, _decode(wrapped), owner)
    except NotDecryptedError:
        found = b""
    if len(found) not in KEY_BYTES:
        raise KeyFaultError(
            "is another than the one given, or wraps in a way of its key service's own, which a function as "
            "parquet_keys= can undo"
        )
    return found


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
