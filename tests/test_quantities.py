"""How quantities are written and read."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.errors import ConfigError
from lakeq.quantities import (
    format_bytes,
    format_count,
    format_dollars,
    format_seconds,
    format_share,
    parse_bytes,
    parse_dollars,
)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1.0 KB"),
        (1024**2 - 1, "1.0 MB"),
        (1_288_490_189, "1.2 GB"),
        (1024**4, "1.0 TB"),
        (5000 * 1024**6, "5,000.0 EB"),
    ],
)
def test_bytes_have_one_decimal_and_binary_units(size: int, text: str) -> None:
    assert format_bytes(size) == text


@given(st.integers(0, 2**63))
def test_written_bytes_read_back_within_half_a_decimal(size: int) -> None:
    assert abs(parse_bytes(format_bytes(size)) - size) <= max(0.051 * size, 0)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10GB", 10 * 1024**3),
        ("10 GiB", 10 * 1024**3),
        ("1.5TiB", 3 * 1024**4 // 2),
        ("500_000", 500_000),
        ("1,024 kb", 1024**2),
        (".5k", 512),
        ("7 bytes", 7),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1", "10 XB", "1e3", "ten", "1.2.3"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="500MB"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0"),
        ("0.0000476837", "$0.000048"),
        ("0.00585937", "$0.0059"),
        ("0.01", "$0.01"),
        ("7", "$7.00"),
        ("12345.678", "$12,345.68"),
    ],
)
def test_dollars_show_cents_or_two_digits(amount: str, text: str) -> None:
    assert format_dollars(Decimal(amount)) == text


def test_dollars_are_read_with_and_without_their_sign() -> None:
    assert [parse_dollars(t) for t in ("0.50", "$2", "1,000")] == [Decimal("0.50"), Decimal(2), Decimal(1000)]
    for text in ("", "free", "-1", "NaN", "Infinity"):
        with pytest.raises(ConfigError, match="dollars"):
            parse_dollars(text)


def test_counts_shares_and_seconds() -> None:
    assert format_count(8760) == "8,760"
    assert format_share(24, 8760) == "24 of 8,760"
    assert [format_seconds(s) for s in (0.844, 9.99, 12.34, 125)] == [
        "0.84 s",
        "9.99 s",
        "12.3 s",
        "2 min 5 s",
    ]
