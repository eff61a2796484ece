"""Whatever folders, keys, values, columns and files are called: it is read as it is, and obeyed by nobody."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import lakeq
from lakeq.cli.app import main
from lakeq.errors import LakeqError
from lakeq.formats.types import quote_name
from tests.html.pages import parse_page

HOSTILE = "e\x1b[31m\u202ev\r\n<b>'\";-- $(x) `y` {z} %2e ?*[a] ,|\\"


def _is_name(text: str) -> bool:
    """Whether a file can be called so, and is not hidden by its name."""
    return "/" not in text and text.strip(" .") != "" and text[0] not in "._" and "=" not in text


names = st.text(
    st.one_of(
        st.characters(exclude_categories=("Cs",), exclude_characters="\0/"),
        st.sampled_from(HOSTILE.replace("/", "")),
    ),
    min_size=1,
    max_size=40,
).filter(_is_name)


def printed(*arguments: str) -> str:
    """What a command prints."""
    raw = io.BytesIO()
    with redirect_stdout(io.TextIOWrapper(raw, encoding="utf-8", newline="", write_through=True)):
        assert main([*arguments]) == 0
        return raw.getvalue().decode()


def assert_inert(text: str) -> None:
    """Nothing in it that a terminal obeys."""
    assert all(c.isprintable() for c in text.replace("\n", "")), ascii(text)


@given(names, names, names)
@example(HOSTILE.replace("/", ""), HOSTILE.replace("/", ""), HOSTILE.replace("/", ""))
@example("a\\..\\..", "..", "C:\\x")
@example("a" * 200, "b" * 200, "c" * 60)
@settings(max_examples=8, deadline=None)
def test_names_in_paths_are_read_as_they_are_and_shown_inert(table: str, value: str, column: str) -> None:
    assume(not table.startswith("-"))  # on a command line that is an option
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEQ_HISTORY", "off")
        folder = Path(root, "lake", table, f"key={value}")
        folder.mkdir(parents=True)
        quoted = column.replace('"', '""')
        (folder / f"f{table[:50]}.json").write_text(json.dumps({"id": 1, column: "v"}) + "\n")
        location = str(Path(root, "lake"))
        with lakeq.connect(location) as lake:
            (found,) = lake.tables()
            sql = f"SELECT * FROM {quote_name(found.name)}"
            try:
                rows = lake.sql(sql).fetchall()
            except LakeqError as error:
                assert str(error)
            else:
                assert len(rows) == 1
                assert "v" in rows[0]
                assert quoted
            for page in (lake._repr_html_(), lake.estimate(sql)._repr_html_(), lake.plan(sql)._repr_html_()):
                parse_page(page)
            for wrong in (
                f'SELECT "{quoted}x" FROM {quote_name(found.name)}',
                f"FROM {quote_name(found.name + column)}",
            ):
                with pytest.raises(LakeqError):
                    lake.sql(wrong)
        for command in (
            ("tables", location), ("describe", location, found.name), ("partitions", location, found.name),
            ("query", location, sql), ("estimate", location, sql), ("explain", location, sql),
        ):  # fmt: skip
            assert_inert(printed(*command))
        assert json.loads(printed("tables", location, "--json"))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lakeq.Lake]:
    with lakeq.connect(tmp_path_factory.mktemp("empty"), history=False) as lake:
        yield lake


@given(first=names, second=names)
@settings(max_examples=50, deadline=None)
def test_no_relative_location_leaves_the_lake(empty: lakeq.Lake, first: str, second: str) -> None:
    assume(not first.startswith("~"))  # that is a home, and so a complete location, which may lie anywhere
    for location in (f"../{first}", f"{first}/../../{second}", f"{first}/..", "..", f"./../{second}"):
        with pytest.raises(LakeqError, match="leaves the lake"):
            empty.register("t", location)


ALIKE = [
    "caf\u00e9", "cafe\u0301", "CON", "con", "Con", "NUL", "a%00b", "a%2500b", "a b", "a b ", "a b.", "a b..",
    "\u0430b", "ab", "a\u200bb", "a\u202eb", "a\ufeffb", "\uff41b", "1", "01", "1.0", "\u0661", "~", "$HOME", "{a,b}",
    "a?b#c", "back\\slash", "lake:", "-rf", "\x7f\x1b[31m", "new\nline", "x" * 249,
]  # fmt: skip
"""Names that look, fold, decode or normalise alike, or that some system keeps for itself."""


def test_names_that_look_alike_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEQ_HISTORY", "off")
    values = [name for name in ALIKE if "%" not in name]
    for number, name in enumerate(ALIKE):
        (tmp_path / "files").mkdir(exist_ok=True)
        (tmp_path / "files" / f"{name}.csv").write_text(f"n\n{number}\n")
    for number, name in enumerate(values):
        (tmp_path / "keys" / f"k={name}").mkdir(parents=True)
        (tmp_path / "keys" / f"k={name}" / "f.csv").write_text(f"n\n{number}\n")
    with lakeq.connect(tmp_path) as lake:
        rows = lake.sql('SELECT "$path", n FROM files').fetchall()
        assert {n: path.rpartition("/")[2] for path, n in rows} == {
            number: f"{name}.csv" for number, name in enumerate(ALIKE)
        }
        assert dict(lake.sql("SELECT n, k FROM keys").fetchall()) == dict(enumerate(values))
        for name in ("01", "caf\u00e9", "new\nline"):
            result = lake.sql("SELECT n FROM keys WHERE k = ?", [name])
            assert result.fetchall() == [(values.index(name),)]
            assert result.plan.scans[0].files.count == 1
    shown = printed("query", str(tmp_path), "SELECT n, k FROM keys ORDER BY n", "--format", "json")
    assert [row["k"] for row in json.loads(shown)] == values
    assert_inert(printed("partitions", str(tmp_path), "keys"))


def test_a_name_that_is_not_utf8_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    Path(os.fsdecode(bytes(tmp_path / "t") + b"/caf\xe9.csv")).write_text("a\n1\n")
    with lakeq.connect(tmp_path, history=False) as lake:
        with pytest.raises(LakeqError, match=r"not UTF-8: b't/caf\\xe9.csv'.*Rename") as caught:
            lake.names()
        assert_inert(str(caught.value))
