"""`lakeq config`: what is in force, where it comes from, and no secret of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lakeq.settings import VARIABLES
from tests.cli.conftest import Run

TOML = """
location = "."
dialect = "spark"
[limits]
max_bytes = "1TB"
ask_above = "$2"
[pricing]
model = "bigquery"
dollars_per_terabyte = 7.5
[pricing.requests]
list = 0.006
[pricing.storage.GLACIER]
restore = 0.02
[history]
redact = true
keep_days = 1
[storage]
region = "eu-west-1"
timeout = 5
[tables.sales]
max_cost_per_day = 3
"""


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of ours or of AWS."""
    for name in (*VARIABLES, "PAGER", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def show(run: Run, *arguments: str) -> dict[str, tuple[Any, str]]:
    status, out, err = run("config", *arguments, "--json")
    assert status == 0, err
    return {line["name"]: (line["value"], line["source"]) for line in json.loads(out)}


def test_without_a_lake_all_is_as_shipped_or_of_the_environment(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shown = show(run)
    assert {source for _, source in shown.values()} <= {"default", *VARIABLES}
    assert shown["limits.ask_above"] == (100 * 1024**3, "default")
    assert shown["limits.max_footers"] == (2000, "default")
    environment = {
        "LAKEQ_MAX_COST": ("0.50", "limits.max_cost", 0.5),
        "LAKEQ_MAX_BYTES_PER_DAY": ("1KB", "limits.max_bytes_per_day", 1024),
        "LAKEQ_MAX_FOOTERS": ("300", "limits.max_footers", 300),
        "LAKEQ_ASK_ABOVE": ("off", "limits.ask_above", "off"),
        "LAKEQ_EGRESS": ("internet", "pricing.egress", 0.09),
        "LAKEQ_FRESHNESS": ("15m", "freshness", "15m"),
        "LAKEQ_CACHE": ("off", "cache", 0),
        "LAKEQ_DATA_DIR": (str(tmp_path), "data_dir", str(tmp_path)),
        "LAKEQ_PAGER": ("", "pager", "off"),
        "AWS_REGION": ("eu-west-2", "storage.region", "eu-west-2"),
    }
    for variable, (text, _, _) in environment.items():
        monkeypatch.setenv(variable, text)
    shown = show(run)
    for variable, (_, name, value) in environment.items():
        assert shown[name] == (value, variable)


def test_the_file_goes_before_the_environment_and_an_option_before_both(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "lakeq.toml"
    path.write_text(TOML, encoding="utf-8")
    for name in ("LAKEQ_DIALECT", "LAKEQ_MAX_BYTES", "LAKEQ_PRICING", "LAKEQ_HISTORY", "LAKEQ_ASK_ABOVE"):
        monkeypatch.setenv(name, "wrong, and not asked")
    shown = show(run, str(path), "--region", "eu-north-1", "--max-bytes", "2GB")
    assert shown["location"] == (str(tmp_path), "lakeq.toml")
    assert shown["dialect"] == ("spark", "lakeq.toml")
    assert shown["limits.max_bytes"] == (2 * 1024**3, "option")
    assert shown["limits.ask_above"] == ("$2.00", "lakeq.toml")
    assert shown["pricing.model"] == ("bigquery", "lakeq.toml")
    assert shown["pricing.dollars_per_terabyte"] == (7.5, "lakeq.toml")
    assert shown["pricing.requests.list"] == (0.006, "lakeq.toml")
    assert shown["pricing.storage.GLACIER.restore"] == (0.02, "lakeq.toml")
    assert shown["history"] == ("redact", "lakeq.toml")
    assert shown["history.keep_days"] == (1, "lakeq.toml")
    assert shown["storage.region"] == ("eu-north-1", "option")
    assert shown["storage.timeout"] == (5, "lakeq.toml")
    assert shown["tables.sales.max_cost_per_day"] == (3.0, "lakeq.toml")
    rows = [line.split() for line in run("config", str(path))[1].splitlines()]
    assert ["limits.max_bytes", "1.0", "TB", "lakeq.toml"] in rows
    assert ["history.keep_days", "1", "lakeq.toml"] in rows


def test_no_secret_is_shown(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "lakeq.toml"
    path.write_text(
        'location = "s3://user:CANARY@bucket/x?sig=CANARY"\n'
        '[storage]\nkey = "CANARY"\nsecret = "CANARY"\ntoken = "CANARY"\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://user:CANARY@localhost:9000")
    for arguments in ((str(path),), (str(path), "--json"), ("s3://user:CANARY@bucket/x",)):
        status, out, err = run("config", *arguments)
        assert status == 0 and "CANARY" not in out + err
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "CANARY")
    shown = show(run)
    assert shown["storage.secret"] == ("set", "AWS_SECRET_ACCESS_KEY")
    assert shown["storage.endpoint_url"] == ("http://localhost:9000", "AWS_ENDPOINT_URL")
    assert "CANARY" not in str(shown)
    status, out, err = run("config", "--endpoint-url", "http://user:CANARY@localhost")
    assert status == 1 and "CANARY" not in out + err


def test_a_wrong_value_is_an_error_that_names_its_variable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEQ_MAX_COST_PER_DAY", "much")
    status, out, err = run("config")
    assert (status, out) == (1, "") and "LAKEQ_MAX_COST_PER_DAY: Not an amount of dollars" in err


def test_engines_are_shown_without_what_they_are_told(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "lakeq.toml"
    path.write_text('engine = "auto"\n[engines]\nspark = "spark://CANARY:7077"\nauto_above = "1GB"\n')
    shown = show(run, str(path))
    assert shown["engine"] == ("auto", "lakeq.toml")
    assert shown["engines.spark"] == ("set", "lakeq.toml")
    assert shown["engines.auto_above"] == (1024**3, "lakeq.toml")
    assert "CANARY" not in str(shown)
    path.write_text('[engines]\nsparc = "spark://host:7077"\n')
    status, out, err = run("config", str(path))
    assert (status, out) == (1, "") and "Did you mean 'spark'?" in err


def test_a_variable_that_sets_nothing_is_told_with_the_nearest(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEQ_MAX_BITES", "CANARY")
    status, _, err = run("config")
    assert status == 0
    assert "LAKEQ_MAX_BITES sets nothing. Did you mean LAKEQ_MAX_BYTES?" in err and "CANARY" not in err
