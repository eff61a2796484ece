"""What a file tells of a key, of which never more is shown than a name."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.errors import ConfigError
from lakeq.formats.parquet_keys import KeyFaultError, ParquetKeys, read_note


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        (b"kf", "kf"),
        (b'{"masterKeyID": "k1", "wrappedDEK": "CANARY"}', "k1"),
        (b'{"keyReference": "r", "wrappedDEK": "CANARY"}', ""),
        (b'{"masterKeyID": "k1", "wrapped', ""),
        (b"[1]", "[1]"),
        (b"", ""),
        (None, ""),
        (b"\xff\xfe", ""),
        (b"\x1b[2J", ""),
        (b"x" * 101, ""),
    ],
)
def test_of_a_keys_metadata_only_a_name_is_shown(metadata: bytes | None, name: str) -> None:
    note = read_note(metadata)
    assert note.name == name
    assert "CANARY" not in repr(note)


@given(st.binary(max_size=200))
def test_no_metadata_is_worse_than_no_name(data: bytes) -> None:
    for metadata in (data, b"{" + data, b'{"doubleWrapping": true, "wrappedDEK": "' + data + b'"}'):
        note = read_note(metadata)
        assert note.name.isprintable()
        with pytest.raises(KeyFaultError):
            ParquetKeys({"k": bytes(16)} if note.wrapped else None).find(note)


@pytest.mark.parametrize("key", [b"", b"short", bytes(17), "not base64!", "AAAA", 5, None])
def test_what_is_no_key_is_refused_by_its_name(key: object) -> None:
    with pytest.raises(ConfigError, match=r"^The key 'kf' of parquet_keys must be 16, 24 or 32 bytes"):
        ParquetKeys({"kf": key})  # type: ignore[dict-item]  # what users may give


@pytest.mark.parametrize("length", [16, 24, 32])
def test_keys_are_bytes_or_base64(length: int) -> None:
    key = bytes(range(length))
    for given_key in (key, base64.b64encode(key).decode()):
        assert ParquetKeys({"kf": given_key}).find(read_note(b"kf")) == (key,)
