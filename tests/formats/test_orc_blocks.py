"""ORC's compressed blocks, and what must not get past them."""

from __future__ import annotations

import zlib
from contextlib import suppress

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.formats.orc_blocks import LZ4, LZO, NONE, SNAPPY, ZLIB, ZSTD, decompress, store_plain

DAMAGE = (IndexError, OSError, ValueError, zlib.error, pa.ArrowException)
KINDS = [ZLIB, SNAPPY, LZ4, ZSTD]


def squeeze(data: bytes, kind: int) -> bytes:
    if kind == ZLIB:
        encoder = zlib.compressobj(wbits=-15)
        return encoder.compress(data) + encoder.flush()
    codec = {SNAPPY: "snappy", LZ4: "lz4_raw", ZSTD: "zstd"}[kind]
    return bytes(pa.Codec(codec).compress(data, asbytes=True))


def block(data: bytes) -> bytes:
    return (len(data) << 1).to_bytes(3, "little") + data


texts = st.one_of(
    st.binary(max_size=2000),
    st.tuples(st.binary(min_size=1, max_size=20), st.integers(1, 400)).map(lambda p: p[0] * p[1]),
)


@given(st.lists(texts, max_size=4), st.sampled_from(KINDS))
def test_blocks_become_what_was_compressed(parts: list[bytes], kind: int) -> None:
    stored = b"".join(block(squeeze(part, kind)) for part in parts)
    assert decompress(stored, kind, 10_000) == b"".join(parts)


@given(texts, st.sampled_from([*KINDS, NONE, LZO]))
def test_plain_blocks_need_no_decoder(data: bytes, kind: int) -> None:
    assert decompress(store_plain(data, kind), kind, 256) == data


def test_long_data_is_several_plain_blocks() -> None:
    data = bytes(range(256)) * 40_000
    stored = store_plain(data, ZLIB)
    assert len(stored) == len(data) + 2 * 3
    assert decompress(stored, ZLIB, 256) == data


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_that_grows_beyond_its_size_is_refused(kind: int) -> None:
    with pytest.raises(DAMAGE):
        decompress(block(squeeze(b"\0" * 1_000_000, kind)), kind, 256 * 1024)


def test_many_blocks_that_grow_are_refused_before_they_fill_the_memory() -> None:
    bomb = block(squeeze(b"\0" * (32 << 20), ZSTD))
    with pytest.raises(ValueError, match="268,435,456"):
        decompress(bomb * 100, ZSTD, 32 << 20)


@pytest.mark.parametrize("size", [0, -1, 1 << 40])
def test_a_block_size_that_cannot_be_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="blocks of"):
        decompress(block(b"x"), ZLIB, size)


@given(st.binary(max_size=80), st.sampled_from(KINDS))
def test_any_bytes_are_decompressed_or_refused(data: bytes, kind: int) -> None:
    with suppress(*DAMAGE):
        assert len(decompress(data, kind, 4096)) <= 4096 * (len(data) + 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_that_is_cut_short_is_refused(kind: int) -> None:
    stored = block(squeeze(bytes(range(200)) * 3, kind))
    for length in range(1, len(stored)):
        with pytest.raises(DAMAGE):
            decompress(stored[:length], kind, 4096)
