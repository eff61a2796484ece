"""Where a setting comes from, and what a wrong one is called."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from lakeq.cache import open_cache
from lakeq.catalog.freshness import find_freshness
from lakeq.errors import ConfigError
from lakeq.ledger.ledger import find_history
from lakeq.planner.archived import find_archived
from lakeq.planner.dialects.names import find_dialect
from lakeq.planner.pricing import find_pricing
from lakeq.planner.storage_prices import find_storage_prices
from lakeq.quantities import format_duration, parse_bytes
from lakeq.settings import VARIABLES, Found, find_setting, find_unknown

ROOT = Path(__file__).parents[1]


def test_an_argument_goes_before_the_file_and_that_before_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAKEQ_MAX_BYTES", "3")
    declared = {"max_bytes": 2}
    assert find_setting("max_bytes", 1, declared) == Found("max_bytes", 1, "option")
    assert find_setting("max_bytes", None, declared) == Found("max_bytes", 2, "lakeq.toml")
    assert find_setting("max_bytes", None, {}) == Found("max_bytes", "3", "LAKEQ_MAX_BYTES")
    monkeypatch.setenv("LAKEQ_MAX_BYTES", "")
    assert find_setting("max_bytes") == Found("max_bytes", None, "default")


def test_a_wrong_value_of_the_environment_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEQ_MAX_BYTES", "much")
    with pytest.raises(ConfigError, match=r"^LAKEQ_MAX_BYTES: Not a number of bytes: 'much'"):
        find_setting("max_bytes").parse(parse_bytes)
    with pytest.raises(ConfigError, match=r"^Not a number of bytes: 'more'"):
        find_setting("max_bytes", "more").parse(parse_bytes)


@pytest.mark.parametrize(
    ("variable", "good", "bad", "find"),
    [
        ("LAKEQ_PRICING", "bigquery", "gold", lambda: find_pricing().name),
        ("LAKEQ_EGRESS", "0.02", "far", lambda: str(find_storage_prices().egress)),
        ("LAKEQ_ARCHIVED", "skip", "thaw", lambda: find_archived(None)),
        ("LAKEQ_FRESHNESS", "15m", "new", lambda: format_duration(int(find_freshness(None).seconds or 0))),
        ("LAKEQ_CACHE", "off", "little", lambda: "on" if open_cache().blocks else "off"),
        ("LAKEQ_DIALECT", "spark", "sprak", lambda: find_dialect(None)),
        ("LAKEQ_HISTORY", "redact", "maybe", lambda: find_history(None, {}).value),
    ],
)
def test_a_variable_says_what_no_argument_does(
    variable: str, good: str, bad: str, find: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = find()
    monkeypatch.setenv(variable, good)
    assert find() == good != before
    monkeypatch.setenv(variable, bad)
    with pytest.raises(ConfigError, match=rf"^{variable}: .*{bad}"):
        find()


def test_variables_that_set_nothing_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    before = find_unknown()
    monkeypatch.setenv("LAKEQ_MAX_BITES", "1")
    monkeypatch.setenv("LAKEQ_MAX_BYTES", "1")
    assert set(find_unknown()) - set(before) == {"LAKEQ_MAX_BITES"}


def test_every_variable_that_the_code_speaks_of_is_known_and_read_in_one_place() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "lakeq").rglob("*.py")}
    named = {name for text in texts.values() for name in re.findall(r"LAKEQ_[A-Z_]*[A-Z]", text)}
    assert named == set(VARIABLES)
    assert [path.name for path, text in texts.items() if re.search(r"(environ|getenv)\S*LAKEQ", text)] == []
