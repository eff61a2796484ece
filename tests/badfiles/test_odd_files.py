"""Each of the files that are broken as files often are is read whole or refused, by whatever is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import lakeq
from lakeq.errors import LakeqError
from tests.badfiles.odd import make_binary, make_text

FILES = {file.name: file for file in (*make_text(), *make_binary())}
READS: tuple[Callable[[lakeq.Lake, str], int], ...] = (
    lambda lake, table: lake.sql(f"SELECT count(*) FROM {table}").fetchall()[0][0],
    lambda lake, table: lake.sql(f"SELECT * FROM {table}").arrow().num_rows,
)


@pytest.fixture(scope="module", params=["auto", "arrow"])
def lake(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[lakeq.Lake]:
    """All of them as tables of one lake, of which none hides another."""
    folder: Path = tmp_path_factory.mktemp("odd")
    for number, file in enumerate(FILES.values()):
        (folder / f"t{number}").mkdir()
        (folder / f"t{number}" / file.name).write_bytes(file.data)
    (folder / "lakeq.toml").write_text("".join(f"[tables.t{number}]\n" for number in range(len(FILES))))
    with lakeq.connect(folder / "lakeq.toml", scanner=request.param, history=False, cache=False) as opened:
        yield opened


@pytest.mark.parametrize("name", FILES)
def test_all_its_rows_or_an_error(lake: lakeq.Lake, name: str, request: pytest.FixtureRequest) -> None:
    file, table = FILES[name], f"t{list(FILES).index(name)}"
    is_native = request.node.callspec.params["lake"] == "auto"
    rows = file.read_natively if is_native and file.read_natively is not None else file.rows
    for read in READS if is_native else READS[1:]:
        if rows is not None:
            assert read(lake, table) == rows
            continue
        with pytest.raises(LakeqError) as refusal:
            read(lake, table)
        assert name in str(refusal.value)
        assert file.message in str(refusal.value)
