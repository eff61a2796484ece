"""An entry that was written is there, whatever happens to its writer; what was not written whole is nothing."""

from __future__ import annotations

import datetime as dt
import errno
import io
import json
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.ledger.entries import Begun, Ended, read_entries, write_entry
from lakeq.ledger.journal import DayFile, Journal, find_history_folder
from tests.ledger.entries import DAY, begun, ended

ROOT = Path(__file__).parent.parent.parent
FILE = f"{DAY.isoformat()}.jsonl"


def write(journal: Journal, *entries: Begun | Ended, day: dt.date = DAY) -> None:
    with journal.open_day(day) as file:
        for entry in entries:
            file.append(entry)


def names(journal: Journal, since: dt.date | None = None) -> list[str]:
    return [entry.id for day in journal.read(since) for entry in day]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "history")
    first, second = begun("a"), ended("a", scanned=7, rows=3, seconds=0.5, error="x\ny")
    assert list(journal.read()) == []
    write(journal, first, second)
    assert list(journal.read()) == [[first, second]]
    assert (tmp_path / "history").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "history" / FILE).stat().st_mode & 0o777 == 0o600


@given(st.text(), st.text(), st.one_of(st.none(), st.integers(0, 1 << 60)))
def test_any_text_makes_one_line(sql: str, table: str, size: int | None) -> None:
    entry = begun("a", size, sql=sql, user=table)
    line = write_entry(entry)
    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    assert list(read_entries([line])) == [entry]


def test_text_that_is_no_unicode_is_kept_too() -> None:
    entry = begun("a", sql="SELECT '\udc80'")
    assert list(read_entries([write_entry(entry)])) == [entry]


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_a_torn_line_hides_no_other(tmp_path: Path, cut: int) -> None:
    journal = Journal(tmp_path)
    write(journal, begun("a"), begun("torn"))
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:-cut])
    whole = ["a", "torn"] if cut == 1 else ["a"]  # only the end of the line is missing
    assert names(journal) == whole
    write(journal, begun("b"))
    assert names(journal) == [*whole, "b"]


def test_reading_goes_on_where_it_ended(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    write(journal, begun("a"))
    with journal.open_day(DAY) as file:
        entries, end = file.read_from(0)
        file.append(begun("b"))
        assert [e.id for e in entries] == ["a"] and [e.id for e in file.read_from(end)[0]] == ["b"]
    with (tmp_path / FILE).open("ab") as torn:
        torn.write(b'{"event": "begin", "id": "half')
    with journal.open_day(DAY) as file:
        entries, end = file.read_from(end)
        assert [e.id for e in entries] == ["b"]
    write(journal, begun("c"))
    with journal.open_day(DAY) as file:
        assert [e.id for e in file.read_from(end)[0]] == ["c"]


def test_entries_of_other_versions_are_read_as_far_as_they_are_known(tmp_path: Path) -> None:
    newer = json.loads(write_entry(begun("new"))) | {"v": 2, "colour": "blue"}
    older = {"v": 0, "event": "begin", "id": "old", "moment": "2026-11-26T10:00:00+00:00", "user": "u"}
    older |= {"lake": "/lake", "sql": "SELECT 1"}
    strange = {"v": 2, "event": "paused", "id": "new"}
    lines = [json.dumps(one).encode() for one in (newer, older, strange, {"event": "begin"}, [], 7)]
    (tmp_path / FILE).write_bytes(b"\n".join([*lines, b"", b"not JSON"]))
    found = [entry for day in Journal(tmp_path).read() for entry in day]
    assert [entry.id for entry in found] == ["new", "old"]
    assert isinstance(found[1], Begun) and found[1].bytes is None


def test_a_full_disk_leaves_no_part_of_a_line(tmp_path: Path) -> None:
    class Full(io.FileIO):
        """Takes a part of what is written, and then nothing more."""

        room = 100

        def write(self, text: bytes) -> int:  # type: ignore[override]
            part, self.room = text[: self.room], 0
            if not part:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(part)

    write(Journal(tmp_path), begun("a"))
    for kept in (b"", b"torn"):
        with (tmp_path / FILE).open("ab") as before:
            before.write(kept)
        text = (tmp_path / FILE).read_bytes()
        with Full(str(tmp_path / FILE), "a+b") as file, pytest.raises(OSError, match="No space"):
            DayFile(file).append(begun("b"))
        assert (tmp_path / FILE).read_bytes() == text


def test_a_limit_on_the_size_of_files_is_a_full_disk(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    write(journal, begun("a"))
    size = (tmp_path / FILE).stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, hard))
        with pytest.raises(OSError):
            write(journal, begun("b"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(journal) == ["a"] and (tmp_path / FILE).stat().st_size == size
    write(journal, begun("c"))
    assert names(journal) == ["a", "c"]


def test_old_days_are_removed_when_a_new_one_begins(tmp_path: Path) -> None:
    journal = Journal(tmp_path, keep_days=2)
    days = [DAY + dt.timedelta(days=n) for n in range(4)]
    (tmp_path / "notes.txt").write_text("mine")
    for day in days:
        write(journal, begun(day.isoformat()), day=day)
    assert names(journal) == [day.isoformat() for day in days[1:]]
    assert names(journal, since=days[3]) == [days[3].isoformat()]
    assert (tmp_path / "notes.txt").exists()


def test_one_writer_waits_for_the_other_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakeq.ledger.journal._LOCK_SECONDS", 0.05)
    journal = Journal(tmp_path)
    with journal.open_day(DAY), pytest.raises(TimeoutError, match="another process"):
        write(journal, begun("b"))
    write(journal, begun("c"))
    assert names(journal) == ["c"]


def test_the_folder_is_that_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEQ_DATA_DIR", str(tmp_path))
    assert find_history_folder() == tmp_path / "history"
    monkeypatch.delenv("LAKEQ_DATA_DIR")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert find_history_folder().name == "history" and find_history_folder().parent.name == "lakeq"


WRITER = """
import sys
from pathlib import Path
from lakeq.ledger.journal import Journal
from tests.ledger.entries import DAY, begun, ended
journal = Journal(Path(sys.argv[1]))
for number in range(1_000_000):
    for entry in (begun(f"{sys.argv[2]}-{number}", sql="x" * 5000), ended(f"{sys.argv[2]}-{number}")):
        with journal.open_day(DAY) as file:
            file.append(entry)
        print(f"{type(entry).__name__} {entry.id}", flush=True)
"""


def test_what_was_acknowledged_is_there_after_a_kill(tmp_path: Path) -> None:
    """Four writers at a time are killed in the midst of writing, again and again."""
    told: set[str] = set()
    for round_ in range(4):
        command = [sys.executable, "-c", WRITER, str(tmp_path)]
        writers = [
            subprocess.Popen([*command, f"{round_}.{n}"], cwd=ROOT, stdout=subprocess.PIPE) for n in range(4)
        ]
        for number, writer in enumerate(writers):
            assert writer.stdout is not None
            seen = [writer.stdout.readline() for _ in range(10 + 7 * number)]
            writer.send_signal(signal.SIGKILL)
            seen += writer.stdout.read().splitlines(keepends=True)
            told |= {line.decode().strip() for line in seen if line.endswith(b"\n")}
            writer.stdout.close()
            writer.wait()
    entries = [entry for day in Journal(tmp_path).read() for entry in day]
    kept = [f"{type(entry).__name__} {entry.id}" for entry in entries]
    assert told and told <= set(kept)
    assert len(kept) == len(set(kept)) and len(kept) <= len(told) + 16  # one of each that nobody was told
