"""Texts that are not UTF-8 never leave a file, whoever decodes it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.errors import ExecutionError
from lakeq.formats.checked_texts import holds_text

ROWS = pa.table({"id": [1, 2, 3], "s": ["abcdefgh", "ijk", "lmn"], "l": [["opq"], None, []]})


@pytest.mark.parametrize("kind", ["parquet", "orc"])
def test_a_text_that_is_not_utf_8_is_an_error_to_whoever_reads_it(tmp_path: Path, kind: str) -> None:
    sink = pa.BufferOutputStream()
    if kind == "parquet":
        pq.write_table(ROWS, sink, compression="none", use_dictionary=False, write_statistics=False)
    else:
        orc.write_table(ROWS, sink, compression="uncompressed")
    data = sink.getvalue().to_pybytes()
    for name, text in (("whole", b""), ("flat", b"ijk"), ("nested", b"opq")):
        (tmp_path / name).mkdir()
        broken = data.replace(text, b"\xff\xfe\xfd") if text else data
        (tmp_path / name / f"a.{kind}").write_bytes(broken)
    (tmp_path / "lakeq.toml").write_text("[tables.whole]\n[tables.flat]\n[tables.nested]\n")
    with lakeq.connect(tmp_path / "lakeq.toml", scanner="arrow", history=False, cache=False) as lake:
        assert lake.sql("SELECT * FROM whole").arrow().to_pylist() == ROWS.to_pylist()
        assert lake.sql("SELECT sum(id) FROM flat").fetchall() == [(6,)]
        assert lake.sql("SELECT s FROM nested").fetchall() == [("abcdefgh",), ("ijk",), ("lmn",)]
        for sql in ("SELECT s FROM flat", "SELECT max(s) FROM flat", "SELECT * FROM nested"):
            with pytest.raises(ExecutionError, match="is not UTF-8") as failure:
                lake.sql(sql).fetchall()
            assert "Traceback" not in str(failure.value)


def test_texts_are_found_however_deep() -> None:
    text = pa.string()
    deep = [pa.struct([("a", pa.list_(text))]), pa.map_(pa.int8(), text), pa.dictionary(pa.int8(), text)]
    assert all(map(holds_text, [text, pa.large_string(), pa.string_view(), *deep]))
    assert not any(map(holds_text, [pa.binary(), pa.int8(), pa.struct([("a", pa.list_(pa.int8()))])]))
