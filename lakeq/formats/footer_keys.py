"""Which keys an encrypted Parquet file asks for, as far as its footer names them.

Source: "Parquet Modular Encryption" (parquet-format, Encryption.md) and parquet.thrift: what a writer keeps
of a key as its metadata. parquet-java and pyarrow write JSON that has the name of a master key
(`masterKeyID`), others a name alone; DuckDB writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from lakeq.formats.thrift import Fields, read_struct

CRYPTO_BYTES = 4096
"""The beginning of an encrypted footer, in which what is told of its key lies."""
_MOST_SIGNS = 100
_FAULTS = (IndexError, KeyError, AttributeError, ValueError, TypeError, RecursionError)


def name_footer_key(crypto: bytes) -> tuple[str, ...]:
    """The key of an encrypted footer, from its beginning (FileCryptoMetaData); none where it is not told."""
    try:
        return tuple(_name_key(read_struct(crypto, 0)[0].get(0x28)))
    except _FAULTS:
        return ()


def name_column_keys(footer: bytes) -> tuple[str, ...]:
    """The keys of encrypted columns under a plain footer (FileMetaData), each once."""
    try:
        fields = read_struct(footer, 0)[0]
        return tuple(dict.fromkeys(_walk_keys(fields)))
    except _FAULTS:
        return ()


def _walk_keys(fields: Fields) -> Iterator[str]:
    for group in fields.get(0x49, ()):
        for chunk in group.get(0x19, ()):
            crypto = chunk.get(0x8C, {})
            # Field 1: the column has the key of the footer, field 2: one of its own.
            yield from _name_key(fields.get(0x98) if 0x1C in crypto else crypto.get(0x2C, {}).get(0x28))


def _name_key(metadata: bytes | None) -> Iterator[str]:
    """The name in a key's metadata. Of JSON no more than that: wrapped keys lie beside it."""
    text = (metadata or b"").decode()
    if text.startswith("{"):
        text = str(json.loads(text).get("masterKeyID", ""))
    if text and text.isprintable() and len(text) <= _MOST_SIGNS:
        yield text
