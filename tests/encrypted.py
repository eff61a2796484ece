"""Encrypted Parquet files as pyarrow's key tools write and read them."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEYS = {
    "kf": b"CANARY-footer-01",
    "kc": b"CANARY-of-columns-24byte",
    "kd": b"CANARY-of-32-bytes-for-column-d!",
}
"""Master keys of each length."""
SECRET = "CANARYTEXT"
ROWS = pa.table(
    {
        "id": pa.array(range(600), pa.int64()),
        "name": [None if i % 7 == 0 else f"{SECRET}{i % 50:04}" for i in range(600)],
        "n": [i / 3 for i in range(600)],
        "list": [[f"{SECRET}{i}"] * (i % 3) for i in range(600)],
        "s": [{"x": i, "y": f"{SECRET}{-i}"} for i in range(600)],
    }
)


class LocalKms(pe.KmsClient):  # type: ignore[misc]  # pyarrow is untyped
    """Wraps as parquet-java's and Arrow's own clients do that know the master keys."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        super().__init__()
        self._keys = keys

    def wrap_key(self, key: bytes, name: str) -> bytes:
        nonce = os.urandom(12)
        return base64.b64encode(nonce + AESGCM(self._keys[name]).encrypt(nonce, key, name.encode()))

    def unwrap_key(self, wrapped: str, name: str) -> bytes:
        body = base64.b64decode(wrapped)
        return AESGCM(self._keys[name]).decrypt(body[:12], body[12:], name.encode())


def write_encrypted(
    path: Path,
    rows: pa.Table = ROWS,
    column_keys: Mapping[str, list[str]] | None = None,
    keys: Mapping[str, bytes] = KEYS,
    how: Mapping[str, Any] | None = None,
    row_group_size: int = 200,
    **options: Any,
) -> None:
    """`how` is for EncryptionConfiguration, `options` for the writer. Without column keys each column is
    encrypted with the footer's."""
    factory = pe.CryptoFactory(lambda _: LocalKms(keys))
    chosen = {"column_keys": column_keys} if column_keys else {"uniform_encryption": True}
    configuration = pe.EncryptionConfiguration("kf", **chosen, **(how or {}))
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), configuration)
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, rows.schema, encryption_properties=properties, **options) as writer:
        writer.write_table(rows, row_group_size=row_group_size)


def decrypt_by_arrow(keys: Mapping[str, bytes] = KEYS) -> Any:
    """What lets pyarrow read such files."""
    factory = pe.CryptoFactory(lambda _: LocalKms(keys))
    return factory.file_decryption_properties(pe.KmsConnectionConfig())
