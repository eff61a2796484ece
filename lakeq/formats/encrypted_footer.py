"""The footer of an encrypted Parquet file as it would be if nothing were encrypted.

Source: parquet-format, Encryption.md and parquet.thrift, whose field numbers are used here. What is
decrypted here is authenticated, so a wrong key is told before anything is made of its bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from lakeq.errors import CorruptFileError, ParquetKeyError
from lakeq.formats.base import Locked
from lakeq.formats.ciphers import SIGNATURE_BYTES, FileCipher, Module, NotDecryptedError, measure_module
from lakeq.formats.parquet_keys import KeyFaultError, KeyNote, ParquetKeys, read_note
from lakeq.formats.parquet_tail import MAGIC
from lakeq.formats.thrift import (
    BINARY,
    I32,
    I64,
    LIST,
    STRUCT,
    TRUE,
    RawFields,
    encode_integer,
    encode_structs,
    join_struct,
    read_list,
    split_struct,
    split_structs,
)
from lakeq.formats.varints import read_varint

_FAULTS = (IndexError, KeyError, AttributeError, ValueError, TypeError, RecursionError)
_SCHEMA, _ROW_GROUPS, _ALGORITHM, _SIGNING_KEY = 2, 4, 8, 9  # of FileMetaData
_COLUMNS, _ROWS, _ORDINAL = 1, 3, 7  # of RowGroup
_METADATA, _PAGE_INDEXES, _CRYPTO, _ENCRYPTED_METADATA = 3, (4, 5, 6, 7), 8, 9  # of ColumnChunk
# Of ColumnMetaData.
_TYPE, _ENCODINGS, _PATH, _CODEC, _VALUES, _PLAIN_SIZE, _SIZE, _DATA, _DICTIONARY = 1, 2, 3, 4, 5, 6, 7, 9, 11
_BLOOM_FILTERS = 14, 15
_TRAILER_BYTES = 8


@dataclass(frozen=True, slots=True)
class EncryptedChunk:
    """The pages of a column in a row group: `cipher` opens them, None: its key is not there. `place` is the
    number of the row group and of the column."""

    start: int
    stop: int
    cipher: FileCipher | None
    place: tuple[int, int]
    has_dictionary: bool


@dataclass(frozen=True, slots=True)
class OpenedFooter:
    """`plain` is the footer without encryption, to its magic; it is not longer than the stored one, which
    begins at `start`. `locked` are the columns whose keys are not there."""

    plain: bytes
    start: int
    chunks: tuple[EncryptedChunk, ...]
    locked: tuple[Locked, ...]


@dataclass(frozen=True, slots=True)
class _Algorithm:
    """EncryptionAlgorithm: what is bound to each module (None: nothing), and how pages are encrypted."""

    aad: bytes | None
    pages_by_ctr: bool

    def use(self, key: bytes) -> FileCipher:
        return FileCipher(key, self.aad, self.pages_by_ctr)


@dataclass(frozen=True, slots=True)
class _Unknown:
    """A column chunk whose metadata is encrypted with a key that is not there: its encoded type, the rows of
    its group, and a place in the file where nothing is."""

    type: bytes
    rows: tuple[int, bytes]
    nowhere: int

    def describe(self, path: bytes) -> bytes:
        """ColumnMetaData by which a reader passes it over: no bytes, nowhere."""
        none = (I64, encode_integer(0))
        return join_struct(
            {
                _TYPE: (I32, self.type),
                _ENCODINGS: (LIST, bytes([I32])),
                _PATH: (LIST, path),
                _CODEC: (I32, encode_integer(0)),
                _VALUES: self.rows,
                _PLAIN_SIZE: none,
                _SIZE: none,
                _DATA: (I64, encode_integer(self.nowhere)),
            }
        )


class _Footer:
    """One footer while it is opened. `note` is the metadata of its key; `is_uniform`: each column is
    encrypted with that key, and does not say so."""

    def __init__(self, path: str, keys: ParquetKeys, algorithm: _Algorithm, note: bytes | None) -> None:
        self._path = path
        self._keys = keys
        self._algorithm = algorithm
        self._note = note
        self._is_uniform = False
        self._ciphers: dict[tuple[bytes, bytes | None], FileCipher | Locked] = {}
        self._chunks: list[EncryptedChunk] = []
        self._locked: dict[str, Locked] = {}

    def decrypt(self, module: bytes) -> RawFields:
        """The fields of an encrypted footer. ParquetKeyError without its key."""
        cipher = self._find_cipher((b"", self._note), module, Module.FOOTER)
        if isinstance(cipher, Locked):
            words = describe_lack(self._path, "Its footer is", cipher)
            raise ParquetKeyError(words, self._path, cipher.key)
        self._is_uniform = self._algorithm.aad is None  # as DuckDB encrypts
        return split_struct(cipher.open(module, Module.FOOTER))[0]

    def check_signature(self, footer: bytes, signature: bytes) -> None:
        """ParquetKeyError for a plain footer that was altered, where the key is there that tells."""
        if len(signature) != SIGNATURE_BYTES:
            raise ValueError("its footer has no signature")
        try:
            ciphers = [self._algorithm.use(key) for key in self._keys.find(read_note(self._note))]
        except KeyFaultError:
            return
        signers = [cipher for cipher in ciphers if cipher.is_signed(footer, signature)]
        if signers:
            self._ciphers[b"", self._note] = signers[0]
            return
        signer = Locked("", read_note(self._note).name, "")
        raise ParquetKeyError(
            f"Encrypted Parquet cannot be trusted: {self._path}. Its footer is not signed with "
            f"{signer.key_words} as it was given: that is another key, or the file was altered.",
            self._path,
            signer.key,
        )

    def open(self, fields: RawFields, start: int) -> OpenedFooter:
        """What these fields of a footer that begins at `start` tell."""
        leaves = _read_leaf_types(fields[_SCHEMA][1])
        groups = []
        for number, group in enumerate(split_structs(fields[_ROW_GROUPS][1])):
            ordinal = _read_int(group[_ORDINAL]) if _ORDINAL in group else number
            columns = [
                self._open_chunk(chunk, (ordinal, i), _Unknown(leaves[i], group[_ROWS], start))
                for i, chunk in enumerate(split_structs(group[_COLUMNS][1]))
            ]
            groups.append(join_struct({**group, _COLUMNS: (LIST, encode_structs(columns))}))
        shown = {n: field for n, field in fields.items() if n not in (_ALGORITHM, _SIGNING_KEY)}
        plain = join_struct({**shown, _ROW_GROUPS: (LIST, encode_structs(groups))})
        chunks = tuple(sorted(self._chunks, key=lambda chunk: chunk.start))
        plain += len(plain).to_bytes(4, "little") + MAGIC
        return OpenedFooter(plain, start, chunks, tuple(self._locked.values()))

    def _open_chunk(self, chunk: RawFields, place: tuple[int, int], unknown: _Unknown) -> bytes:
        # Page indexes of encrypted columns are encrypted as well; those of others would be read beside what
        # was planned.
        chunk = {n: field for n, field in chunk.items() if n not in _PAGE_INDEXES}
        if _CRYPTO not in chunk and not self._is_uniform:
            return join_struct(chunk)
        metadata = chunk.get(_METADATA, (STRUCT, b""))[1]
        own = _read_own_key(chunk[_CRYPTO][1]) if _CRYPTO in chunk else None
        # Of columns with keys of their own that are not told, each may have another.
        owner = (b"", self._note) if own is None else (b"" if own.note else own.path, own.note)
        sealed = _binary(chunk.get(_ENCRYPTED_METADATA))
        cipher = self._find_cipher(owner, sealed, Module.COLUMN_METADATA, place)
        if isinstance(cipher, FileCipher) and sealed is not None:
            metadata = cipher.open(sealed, Module.COLUMN_METADATA, *place)
        elif not metadata and own is not None:
            metadata = unknown.describe(own.path)
        told, _ = split_struct(metadata)
        if isinstance(cipher, Locked):
            name = ".".join(part.decode(errors="replace") for part in read_list(told[_PATH][1], 0)[0])
            self._locked[name] = Locked(name, cipher.key, cipher.reason)
        self._chunks.append(_find_pages(told, cipher if isinstance(cipher, FileCipher) else None, place))
        kept = {n: field for n, field in told.items() if n not in _BLOOM_FILTERS}
        shown = {n: field for n, field in chunk.items() if n not in (_CRYPTO, _ENCRYPTED_METADATA)}
        return join_struct({**shown, _METADATA: (STRUCT, join_struct(kept))})

    def _find_cipher(
        self,
        owner: tuple[bytes, bytes | None],
        sealed: bytes | None,
        module: Module,
        place: Iterable[int] = (),
    ) -> FileCipher | Locked:
        """What opens what was encrypted with a key, and has opened `sealed`; or why there is none. `owner` is
        the column whose own key it is ("": others have it, too) and the key's metadata."""
        known = self._ciphers.get(owner)
        if known is None:
            known = self._ciphers[owner] = self._try_keys(read_note(owner[1]), sealed, module, place)
        return known

    def _try_keys(
        self, note: KeyNote, sealed: bytes | None, module: Module, place: Iterable[int]
    ) -> FileCipher | Locked:
        try:
            keys = self._keys.find(note)
        except KeyFaultError as fault:
            return Locked("", note.name, str(fault))
        for key in keys:
            cipher = self._algorithm.use(key)
            with suppress(NotDecryptedError):
                if sealed is not None:
                    cipher.open(sealed, module, *place)
                return cipher
        return Locked("", note.name, "is another than the one given")


def _find_pages(told: RawFields, cipher: FileCipher | None, place: tuple[int, int]) -> EncryptedChunk:
    """Where the pages of a column chunk lie, by its ColumnMetaData."""
    dictionary = _read_int(told[_DICTIONARY]) if _DICTIONARY in told else 0
    start = min(begin for begin in (dictionary, _read_int(told[_DATA])) if begin > 0)
    return EncryptedChunk(start, start + _read_int(told[_SIZE]), cipher, place, dictionary > 0)


def describe_lack(path: str, what: str, locked: Locked) -> str:
    """The words of an error for a file of which `what` ("Its footer is") cannot be decrypted."""
    return (
        f"Encrypted Parquet cannot be read: {path}. {what} encrypted with {locked.key_words}, which "
        f"{locked.reason}. Pass it in parquet_keys=, or set LAKEQ_PARQUET_KEYS."
    )


def open_footer(stored: bytes, size: int, path: str, keys: ParquetKeys) -> OpenedFooter:
    """What the end of a file of `size` bytes tells, from where its footer begins.

    ParquetKeyError where the footer's key is not there or another; CorruptFileError for one that is damaged.
    """
    try:
        opened = _open_stored(stored, size, path, keys)
        if len(opened.plain) > len(stored):
            raise ValueError("its footer is shorter than what it says")
        return opened
    except _FAULTS as error:
        raise CorruptFileError(
            f"Not a whole Parquet file: {path}: its encryption is not well formed ({error}). Upload it "
            "again, or remove it.",
            path,
        ) from error


def _open_stored(stored: bytes, size: int, path: str, keys: ParquetKeys) -> OpenedFooter:
    end, start = len(stored) - _TRAILER_BYTES, size - len(stored)
    told, at = split_struct(stored)
    if stored.endswith(MAGIC):  # FileMetaData, and its signature
        algorithm, note = _read_algorithm(told[_ALGORITHM][1]), _binary(told.get(_SIGNING_KEY))
        footer = _Footer(path, keys, algorithm, note)
        footer.check_signature(stored[:at], stored[at:end])
        return footer.open(told, start)
    # FileCryptoMetaData, and the encrypted FileMetaData
    footer = _Footer(path, keys, _read_algorithm(told[1][1]), _binary(told.get(2)))
    return footer.open(footer.decrypt(stored[at : measure_module(stored[:end], at)]), start)


def _read_algorithm(encoded: bytes) -> _Algorithm:
    ((number, (_, value)),) = split_struct(encoded)[0].items()
    told = split_struct(value)[0]
    if 3 in told and told[3][0] == TRUE:
        raise ValueError("its writer keeps a part of what binds its modules (the AAD prefix) to itself")
    if number not in (1, 2):
        raise ValueError(f"the algorithm {number} is unknown")
    unique = _binary(told.get(2))
    return _Algorithm(None if unique is None else (_binary(told.get(1)) or b"") + unique, number == 2)


@dataclass(frozen=True, slots=True)
class _OwnKey:
    """EncryptionWithColumnKey: the column's path, encoded, and the metadata of its key."""

    path: bytes
    note: bytes | None


def _read_own_key(crypto: bytes) -> _OwnKey | None:
    """The key of a column; None for one with the footer's."""
    fields = split_struct(crypto)[0]
    if 2 not in fields:
        return None
    told = split_struct(fields[2][1])[0]
    return _OwnKey(told[1][1], _binary(told.get(2)))


def _read_leaf_types(schema: bytes) -> list[bytes]:
    """The encoded physical type of each leaf."""
    return [e[1][1] for e in split_structs(schema) if 1 in e and not (5 in e and _read_int(e[5]))]


def _read_int(field: tuple[int, bytes]) -> int:
    value, _ = read_varint(field[1], 0)
    return (value >> 1) ^ -(value & 1)


def _binary(field: tuple[int, bytes] | None) -> bytes | None:
    if field is None:
        return None
    if field[0] != BINARY:
        raise ValueError("a field is of another kind")
    length, at = read_varint(field[1], 0)
    return field[1][at : at + length]
