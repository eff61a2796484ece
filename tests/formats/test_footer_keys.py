"""An encrypted Parquet file says which keys it asks for, and never more of them than their names."""

from __future__ import annotations

import base64
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lakeq
from lakeq.errors import CorruptFileError
from lakeq.formats.footer_keys import name_column_keys, name_footer_key
from lakeq.formats.varints import encode_varint


class OpenKms(pe.KmsClient):  # type: ignore[misc]  # pyarrow is untyped
    """Wraps no key at all."""

    def __init__(self) -> None:
        super().__init__()

    def wrap_key(self, key: bytes, name: str) -> bytes:
        return base64.b64encode(key)

    def unwrap_key(self, wrapped: bytes, name: str) -> bytes:
        return base64.b64decode(wrapped)


def write_encrypted(path: Path, plaintext_footer: bool) -> None:
    factory = pe.CryptoFactory(lambda _: OpenKms())
    keys = {"salaries": ["pay"], "people": ["name"]}
    how = pe.EncryptionConfiguration("footers", column_keys=keys, plaintext_footer=plaintext_footer)
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), how)
    rows = pa.table({"pay": [1, 2], "name": ["a", "b"], "day": [1, 1]})
    with pq.ParquetWriter(path, rows.schema, encryption_properties=properties) as writer:
        writer.write_table(rows)


@pytest.mark.parametrize(
    ("plaintext_footer", "words"),
    [
        (False, "Its footer is encrypted with the key 'footers'."),
        (True, "Its columns are encrypted with the keys 'salaries', 'people'."),
    ],
)
def test_the_keys_that_are_missing_are_named(tmp_path: Path, plaintext_footer: bool, words: str) -> None:
    (tmp_path / "t").mkdir()
    write_encrypted(tmp_path / "t" / "a.parquet", plaintext_footer)
    with lakeq.connect(str(tmp_path)) as lake, pytest.raises(CorruptFileError) as caught:
        lake.describe("t")
    assert words in str(caught.value)
    assert "wrapped" not in str(caught.value)


def crypto_of(metadata: bytes) -> bytes:
    """FileCryptoMetaData: AES_GCM_V1 without fields, and what is told of the key."""
    return b"\x1c\x1c\x00\x00\x18" + encode_varint(len(metadata)) + metadata + b"\x00"


@pytest.mark.parametrize(
    ("metadata", "names"),
    [
        (b"kf", ("kf",)),
        (b'{"masterKeyID": "k1", "wrappedDEK": "CANARY"}', ("k1",)),
        (b'{"keyReference": "r", "wrappedDEK": "CANARY"}', ()),
        (b'{"masterKeyID": "k1", "wrapped', ()),
        (b"", ()),
        (b"\xff\xfe", ()),
        (b"\x1b[2J", ()),
        (b"x" * 101, ()),
    ],
)
def test_of_a_keys_metadata_only_a_name_is_told(metadata: bytes, names: tuple[str, ...]) -> None:
    assert name_footer_key(crypto_of(metadata)) == names


def test_a_footer_as_duckdb_encrypts_it_names_no_key() -> None:
    assert name_footer_key(b"\x1c\x1c\x00\x00\x00" + bytes(range(64))) == ()


@given(st.binary(max_size=200))
def test_no_bytes_are_worse_than_no_name(data: bytes) -> None:
    for names in (name_footer_key(data), name_column_keys(data)):
        assert all(name.isprintable() for name in names)
