"""Encrypted Parquet is read as pyarrow reads it, with the keys that it asks for and never without."""

from __future__ import annotations

import base64
import functools
import json
import logging
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lakeq
from lakeq.cli.app import main
from lakeq.errors import BudgetExceededError, ConfigError, CorruptFileError, LakeqError, ParquetKeyError
from lakeq.formats.encrypted_footer import open_footer
from lakeq.formats.encrypted_store import PlainParquetStore
from lakeq.formats.parquet_keys import ParquetKeys
from tests.catalog.memory_store import MemoryStore
from tests.encrypted import KEYS, ROWS, SECRET, LocalKms, decrypt_by_arrow, write_encrypted
from tests.servers import S3Server

COLUMN_KEYS = {"kc": ["name", "list.list.element"], "kd": ["s.y"]}
WAYS: dict[str, dict[str, Any]] = {
    "uniform": {},
    "single": {"how": {"double_wrapping": False}, "column_keys": COLUMN_KEYS},
    "ctr": {
        "how": {"encryption_algorithm": "AES_GCM_CTR_V1"},
        "column_keys": COLUMN_KEYS,
        "compression": "none",
    },
    "plain": {"how": {"plaintext_footer": True, "data_key_length_bits": 256}, "column_keys": COLUMN_KEYS},
    "plain_ctr": {
        "how": {"plaintext_footer": True, "encryption_algorithm": "AES_GCM_CTR_V1"},
        "column_keys": COLUMN_KEYS,
    },
    "pages": {
        "column_keys": COLUMN_KEYS,
        "data_page_size": 500,
        "data_page_version": "2.0",
        "compression": "zstd",
        "write_page_checksum": True,
        "write_page_index": True,
    },
    "plain_pages": {
        "how": {"plaintext_footer": True},
        "column_keys": COLUMN_KEYS,
        "use_dictionary": False,
        "max_rows_per_page": 40,
        "write_page_index": True,
    },
}


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAKEQ_PARQUET_KEYS", raising=False)


@pytest.fixture(scope="module")
def every_way(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encrypted")
    for name, way in WAYS.items():
        write_encrypted(folder / name / "a.parquet", **way)
    (folder / "lakeq.toml").write_text("".join(f"[tables.{name}]\n" for name in WAYS))
    return folder


def connect(folder: Path | str, keys: Any = KEYS, **options: Any) -> lakeq.Lake:
    return lakeq.connect(find_toml(folder), parquet_keys=keys, history=False, **options)


def find_toml(folder: Path | str) -> Path | str:
    """The declaration of a lake, where it has one."""
    return folder / "lakeq.toml" if isinstance(folder, Path) and (folder / "lakeq.toml").exists() else folder


@pytest.mark.parametrize("scanner", ["auto", "arrow"])
def test_rows_are_those_that_pyarrow_reads(every_way: Path, scanner: Any) -> None:
    with connect(every_way, scanner=scanner) as lake:
        for name in WAYS:
            read = lake.sql(f"SELECT * FROM {name} ORDER BY id").arrow()
            theirs = pq.read_table(every_way / name / "a.parquet", decryption_properties=decrypt_by_arrow())
            assert read.to_pylist() == theirs.to_pylist() == ROWS.to_pylist()


def test_estimates_and_pruning_are_those_of_a_plain_file(every_way: Path) -> None:
    with connect(every_way) as lake:
        for name in WAYS:
            metadata = pq.read_metadata(
                every_way / name / "a.parquet", decryption_properties=decrypt_by_arrow()
            )
            groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
            chunks = [g.column(j) for g in groups for j in range(metadata.num_columns)]
            ids, names = (
                [chunk.total_compressed_size for chunk in chunks if chunk.path_in_schema == column]
                for column in ("id", "name")
            )
            assert lake.estimate(f"SELECT name FROM {name}").bytes_scanned == sum(names)
            pruned = f"SELECT name FROM {name} WHERE id = 500"
            assert lake.estimate(pruned).bytes_scanned == ids[2] + names[2]
            # By the bounds of an encrypted column.
            assert lake.estimate(f"SELECT id FROM {name} WHERE name > '{SECRET}9'").bytes_scanned == 0
            limit = lake.estimate(pruned).bytes_scanned
            assert len(lake.sql(pruned, max_bytes=limit).fetchall()) == 1
            with pytest.raises(BudgetExceededError):
                lake.sql(pruned, max_bytes=limit - 1)


def test_a_function_is_asked_for_each_wrapped_key_once(tmp_path: Path) -> None:
    write_encrypted(tmp_path / "t" / "a.parquet", column_keys=COLUMN_KEYS)
    asked = []

    def find(name: str, wrapped: str | None) -> bytes:
        asked.append(name)
        return LocalKms(KEYS).unwrap_key(wrapped or "", name)

    with connect(tmp_path, find) as lake:
        for _ in range(2):
            assert lake.sql("SELECT count(name), count(s.y) FROM t").fetchall() == [(514, 600)]
    assert sorted(asked) == ["kc", "kd", "kf"]


def test_a_function_of_which_nothing_comes_is_told_without_its_words(tmp_path: Path) -> None:
    write_encrypted(tmp_path / "t" / "a.parquet")

    def fail(name: str, wrapped: str | None) -> bytes:
        raise RuntimeError(f"CANARY {wrapped}")

    answers: dict[Any, str] = {
        fail: "could not be found: parquet_keys raised RuntimeError",
        (lambda *_: None): "is unknown to parquet_keys",
        (lambda *_: b"CANARY"): "is no key: parquet_keys must return 16, 24 or 32 bytes",
    }
    for find, words in answers.items():
        with connect(tmp_path, find) as lake, pytest.raises(ParquetKeyError, match=words) as caught:
            lake.estimate("SELECT id FROM t")
        assert "CANARY" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("keys", [None, {"kc": KEYS["kc"]}, {**KEYS, "kf": bytes(16)}])
def test_without_the_key_of_a_footer_nothing_is_known(every_way: Path, keys: Any) -> None:
    with connect(every_way, keys) as lake:
        for work in (lake.describe, lambda name: lake.estimate(f"SELECT count(*) FROM {name}")):
            with pytest.raises(ParquetKeyError) as caught:
                work("uniform")
            assert caught.value.key == "kf"
            assert "Its footer is encrypted with the key 'kf', which" in str(caught.value)
            assert "LAKEQ_PARQUET_KEYS" in str(caught.value)
        problems = {table.name: table.problem for table in lake.tables()}
        assert isinstance(problems["single"], ParquetKeyError)


@pytest.mark.parametrize("scanner", ["auto", "arrow"])
@pytest.mark.parametrize("keys", [{"kf": KEYS["kf"]}, {**KEYS, "kc": bytes(24), "kd": bytes(16)}])
def test_a_column_without_its_key_hides_no_other(every_way: Path, keys: Any, scanner: Any) -> None:
    with connect(every_way, keys, scanner=scanner) as lake:
        for name in ("ctr", "plain"):
            rows = lake.sql(f"SELECT id, n FROM {name} WHERE id >= 300 ORDER BY id").fetchall()
            assert rows == [(i, i / 3) for i in range(300, 600)]
            assert lake.sql(f"SELECT count(*) FROM {name}").fetchall() == [(600,)]
            for query in ("SELECT id FROM {} WHERE name = 'x'", "SELECT s.y FROM {}", "FROM {}"):
                with pytest.raises(ParquetKeyError) as caught:
                    lake.estimate(query.format(name))
                error = caught.value
                assert error.key in ("kc", "kd")
                assert error.column in ("name", "list.list.element", "s.y")
                assert f"Its column {error.column!r} is encrypted with the key {error.key!r}" in str(error)
                assert error.path.endswith(f"{name}/a.parquet")
            if scanner == "auto":
                assert lake.sql(f"SELECT max(s.x) FROM {name}").fetchall() == [(599,)]
            else:  # Arrow reads structs whole
                with pytest.raises(ParquetKeyError, match=r"'s\.y'"):
                    lake.sql(f"SELECT max(s.x) FROM {name}").fetchall()


def test_a_plain_footer_is_read_without_any_key(every_way: Path) -> None:
    with connect(every_way, None) as lake:
        assert lake.sql("SELECT sum(id) FROM plain").fetchall() == [(sum(range(600)),)]


def test_files_of_a_table_may_differ_in_keys_and_have_none(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    pq.write_table(ROWS.slice(0, 100), tmp_path / "t" / "a.parquet")
    write_encrypted(tmp_path / "t" / "b.parquet", ROWS.slice(100, 100))
    write_encrypted(tmp_path / "t" / "c.parquet", ROWS.slice(200, 100), COLUMN_KEYS)
    for keys, query in ((KEYS, "SELECT *"), ({"kf": KEYS["kf"]}, "SELECT id, n")):
        with connect(tmp_path, keys) as lake:
            assert "parquet with the same columns in 3 of 3 files" in str(lake.describe("t").evidence)
            rows = lake.sql(f"{query} FROM t ORDER BY id").arrow().to_pylist()
            assert rows == ROWS.slice(0, 300).select(list(rows[0])).to_pylist()
    with connect(tmp_path, {"kf": KEYS["kf"]}) as lake, pytest.raises(ParquetKeyError, match=r"c\.parquet"):
        lake.sql("SELECT name FROM t")
    with connect(tmp_path, None) as lake:  # without keys the files cannot be compared
        assert lake.names() == ["t_a", "t_b", "t_c"]
        lake.register("t", "t")
        assert lake.sql("SELECT name FROM t WHERE \"$path\" LIKE '%a.parquet'").arrow().num_rows == 100


@pytest.mark.parametrize("length", [16, 32])
def test_files_that_duckdb_encrypts_name_no_key(tmp_path: Path, length: int) -> None:
    (tmp_path / "t").mkdir()
    key = bytes(range(65, 65 + length))
    with duckdb.connect(config={"force_mbedtls_unsafe": "true"}) as writer:
        writer.execute(f"PRAGMA add_parquet_key('k', '{key.decode()}')")
        writer.execute(
            f"COPY (SELECT range AS id, 'v' || range % 9 AS v FROM range(5000)) TO '{tmp_path}/t/a.parquet' "
            "(ENCRYPTION_CONFIG {footer_key: 'k'}, ROW_GROUP_SIZE 2048)"
        )
    answer = [(5000, 9, sum(range(5000)))]
    query = "SELECT count(*), count(DISTINCT v), sum(id) FROM t"
    for keys in ({"mine": key, **KEYS}, {**KEYS, "mine": base64.b64encode(key).decode()}, lambda *_: key):
        with connect(tmp_path, keys) as lake:
            assert lake.sql(query).fetchall() == answer
    with connect(tmp_path) as lake, pytest.raises(ParquetKeyError, match="a key that the file does not name"):
        lake.sql(query)


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_prefix_of_what_binds_modules_must_be_in_the_file(tmp_path: Path, is_stored: bool) -> None:
    (tmp_path / "t").mkdir()
    how = pe.create_encryption_properties(KEYS["kf"], aad_prefix=b"orders", store_aad_prefix=is_stored)
    with pq.ParquetWriter(tmp_path / "t" / "a.parquet", ROWS.schema, encryption_properties=how) as writer:
        writer.write_table(ROWS)
    with connect(tmp_path) as lake:
        if is_stored:
            assert lake.sql("SELECT * FROM t ORDER BY id").arrow().to_pylist() == ROWS.to_pylist()
        else:
            with pytest.raises(CorruptFileError, match="AAD prefix"):
                lake.sql("FROM t")


def test_key_material_in_a_file_of_its_own_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    path = tmp_path / "t" / "a.parquet"
    factory = pe.CryptoFactory(lambda _: LocalKms(KEYS))
    configuration = pe.EncryptionConfiguration("kf", uniform_encryption=True, internal_key_material=False)
    how = factory.file_encryption_properties(pe.KmsConnectionConfig(), configuration, str(path))
    with pq.ParquetWriter(path, ROWS.schema, encryption_properties=how) as writer:
        writer.write_table(ROWS)
    with connect(tmp_path) as lake, pytest.raises(ParquetKeyError, match="is kept in a file beside it"):
        lake.sql("FROM t")


def test_keys_that_other_writers_name_are_found(tmp_path: Path) -> None:
    """A file of parquet-testing, whose README tells its keys."""
    (tmp_path / "t").mkdir()
    data = Path(__file__).parent / "data" / "parquet" / "plaintext-footer.encrypted"
    (tmp_path / "t" / "a.parquet").write_bytes(data.read_bytes())
    keys = {"kf": b"0123456789012345", "kc1": b"1234567890123450", "kc2": b"1234567890123451"}
    with connect(tmp_path, keys) as lake:
        rows = lake.sql("SELECT double_field, float_field FROM t ORDER BY 1").fetchall()
    assert len(rows) == 50
    assert rows[0][:2] == (0, 0)
    assert rows[2][0] == pytest.approx(2 * 1.1111111)
    assert rows[2][1] == pytest.approx(2 * 1.1)
    with connect(tmp_path, {"kc1": keys["kc1"]}) as lake:
        assert lake.sql("SELECT max(double_field) FROM t").fetchall()[0][0] == pytest.approx(49 * 1.1111111)
        with pytest.raises(ParquetKeyError, match="Its column 'float_field' is encrypted with the key 'kc2'"):
            lake.sql("SELECT float_field FROM t")


def test_an_altered_plain_footer_is_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "t" / "a.parquet"
    write_encrypted(path, column_keys=COLUMN_KEYS, how={"plaintext_footer": True})
    data = path.read_bytes()
    at = data.rindex(b"parquet-cpp-arrow")
    path.write_bytes(data[:at] + b"q" + data[at + 1 :])
    with connect(tmp_path) as lake, pytest.raises(ParquetKeyError, match="is not signed with the key 'kf'"):
        lake.sql("SELECT id FROM t")


SMALL = [(row["name"], row["list"], row["s"]["y"]) for row in ROWS.slice(0, 40).to_pylist()]


@functools.cache
def encrypt_small(plaintext_footer: bool) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.parquet")
        how = {"plaintext_footer": plaintext_footer}
        write_encrypted(path, ROWS.slice(0, 40), COLUMN_KEYS, row_group_size=20, how=how)
        return path.read_bytes()


@settings(max_examples=40, deadline=None)
@given(is_plain=st.booleans(), place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_altered_bytes_are_an_error_or_change_nothing(is_plain: bool, place: float, flip: int) -> None:
    data = bytearray(encrypt_small(is_plain))
    data[int(place * len(data))] ^= flip
    store = PlainParquetStore(MemoryStore({"a": bytes(data)}), {"a": len(data)}, ParquetKeys(KEYS))
    try:
        plain = store.read("a", 0, len(data), None)
    except LakeqError:
        return
    # The columns that are not encrypted are not authenticated either.
    read = pq.ParquetFile(pa.BufferReader(plain)).read(columns=["name", "list", "s.y"]).to_pylist()
    assert [(row["name"], row["list"], row["s"]["y"]) for row in read] == SMALL


@settings(max_examples=15, deadline=None)
@given(
    is_plain=st.booleans(),
    spans=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5),
)
def test_any_part_of_a_plain_file_is_that_part(is_plain: bool, spans: list[tuple[float, float]]) -> None:
    data = encrypt_small(is_plain)
    opened = MemoryStore({"a": data}), {"a": len(data)}, ParquetKeys(KEYS)
    whole, store = PlainParquetStore(*opened).read("a", 0, len(data), None), PlainParquetStore(*opened)
    assert len(whole) == len(data)
    for span in spans:
        start, stop = (int(end * len(data)) for end in sorted(span))
        assert store.read("a", start, stop - start, None) == whole[start:stop]


def test_chunks_side_by_side_are_one_request_and_the_footer_another() -> None:
    data = encrypt_small(False)
    stored = MemoryStore({"a": data})
    store = PlainParquetStore(stored, {"a": len(data)}, ParquetKeys(KEYS))
    store.read("a", 10, len(data) // 2, None)
    assert stored.opened == ["a", "a"]


@given(st.binary(max_size=300))
def test_no_bytes_are_worse_than_an_error(data: bytes) -> None:
    for magic in (b"PAR1", b"PARE"):
        tail = data + len(data).to_bytes(4, "little") + magic
        with suppress(ParquetKeyError, CorruptFileError):
            open_footer(tail, len(tail) + 4, "a", ParquetKeys(KEYS))


def find_canaries(folder: Path) -> list[str]:
    """The files below a folder in which a part of a key or of a row stands."""
    words = [SECRET.encode(), b"CANARY-", *(base64.b64encode(key)[:15] for key in KEYS.values())]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(word in path.read_bytes() for word in words)]


@pytest.mark.parametrize("name", ["uniform", "plain_pages"])
def test_nothing_that_was_decrypted_is_kept_of_a_bucket(
    s3_server: S3Server, every_way: Path, tmp_path: Path, name: str
) -> None:
    bucket = s3_server.new_bucket()
    large = ROWS if name == "uniform" else pa.concat_tables([ROWS] * 300)  # read whole, and in parts
    write_encrypted(tmp_path / "a.parquet", large, row_group_size=60_000, **WAYS[name])
    body = (tmp_path / "a.parquet").read_bytes()
    s3_server.client.put_object(Bucket=bucket, Key="t/a.parquet", Body=body)
    (tmp_path / "a.parquet").unlink()
    options = {**s3_server.storage_options, "cache_dir": tmp_path / "cache"}
    for _ in range(2):  # anew, and from the cache
        with connect(f"s3://{bucket}", **options) as lake:
            rows = lake.sql("SELECT count(name), min(name), max(id) FROM t WHERE id > 5").fetchall()
            assert rows[0][1:] == (f"{SECRET}0000", 599)
    stored = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in stored) > 1000
    assert find_canaries(tmp_path) == []
    with connect(f"s3://{bucket}", None, **options) as lake, pytest.raises(ParquetKeyError):
        lake.sql("SELECT name FROM t")


def test_keys_are_in_nothing_that_is_shown(
    every_way: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: Any,
) -> None:
    caplog.set_level(logging.DEBUG)
    encoded = {name: base64.b64encode(key).decode() for name, key in KEYS.items()}
    monkeypatch.setenv(
        "LAKEQ_PARQUET_KEYS", json.dumps({**encoded, "kd": base64.b64encode(bytes(16)).decode()})
    )
    monkeypatch.setenv("LAKEQ_DATA_DIR", str(tmp_path / "data"))
    shown = []
    with lakeq.connect(find_toml(every_way), cache_dir=tmp_path / "cache") as lake:
        query = "SELECT id FROM single WHERE name > 'A'"
        plan = lake.plan(query)
        shown += [repr(lake), repr(plan), lake.explain(query), str(lake.explain_to_dict(query))]
        assert lake.sql(query).arrow().num_rows == 514
        with pytest.raises(ParquetKeyError) as caught:
            lake.sql("SELECT s.y FROM single")
        shown += ["".join(traceback.format_exception(caught.value)), str(vars(caught.value))]
    assert main(["config", str(find_toml(every_way)), "--json"]) == 0
    shown += [*capsys.readouterr(), caplog.text]
    assert '"parquet_keys"' in shown[-3]
    for text in shown:
        assert all(key.decode() not in text and encoded[n] not in text for n, key in KEYS.items())
        assert SECRET not in text
    assert find_canaries(tmp_path) == []


def test_a_lakeq_toml_names_variables(
    every_way: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = tmp_path / "lakeq.toml"
    declared.write_text(
        f"location = '{every_way}'\n[tables.single]\n[parquet_keys]\nkf = 'LAKE_FOOTERS'\nkc = 'LAKE_COLUMNS'\n"
    )
    monkeypatch.setenv("LAKE_FOOTERS", base64.b64encode(KEYS["kf"]).decode())
    monkeypatch.setenv("LAKEQ_PARQUET_KEYS", "{}")  # the file goes before it
    with lakeq.connect(declared, history=False) as lake:
        assert lake.sql("SELECT count(id) FROM single").fetchall() == [(600,)]
        with pytest.raises(
            ParquetKeyError, match=r"'kc', which has a variable in lakeq\.toml that is not set"
        ):
            lake.sql("SELECT name FROM single")
    monkeypatch.setenv("LAKE_FOOTERS", "CANARY")
    with pytest.raises(
        ConfigError, match=r"^The key 'kf' of lakeq\.toml must be 16, 24 or 32 bytes, or these in base64"
    ):
        lakeq.connect(declared)


@pytest.mark.parametrize("key", ["'Q0FOQVJZQ0FOQVJZQ0FOQQ=='", "1", "''"])
def test_a_key_in_a_lakeq_toml_is_refused(tmp_path: Path, key: str) -> None:
    declared = tmp_path / "lakeq.toml"
    declared.write_text(f"location = '.'\n[parquet_keys]\nkf = {key}\n")
    with pytest.raises(ConfigError, match="must be the name of an environment variable") as caught:
        lakeq.connect(declared)
    assert "Q0FO" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CANARY", "LAKEQ_PARQUET_KEYS must be JSON"),
        ('["CANARY"]', "LAKEQ_PARQUET_KEYS must be JSON"),
        ('{"kf": "CANARY"}', "The key 'kf' of LAKEQ_PARQUET_KEYS must be 16, 24 or 32 bytes"),
        ('{"kf": 5}', "The key 'kf' of LAKEQ_PARQUET_KEYS must be 16, 24 or 32 bytes"),
    ],
)
def test_keys_in_the_environment_that_are_none_are_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.setenv("LAKEQ_PARQUET_KEYS", text)
    with pytest.raises(ConfigError, match=words) as caught:
        lakeq.connect(tmp_path)
    assert "CANARY" not in "".join(traceback.format_exception(caught.value))


def test_without_the_package_that_decrypts_keys_are_refused(
    every_way: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakeq.formats.ciphers.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'lakeq\[encryption\]'"):
        connect(every_way)
    with connect(every_way, None) as lake:  # plain columns need none
        assert lake.sql("SELECT max(id) FROM plain").fetchall() == [(599,)]
