"""The exception tree: drawn as it is, documented, and each error carries its data."""

from __future__ import annotations

import inspect
import pickle
import re
from pathlib import Path

import pytest

from lakeq import errors
from lakeq.errors import LakeqError

ROOT = Path(__file__).parent.parent

CARRIED = [
    errors.StorageError("m", "s3://b/k"),
    errors.TableNotFoundError("m", "evnts", ["events"]),
    errors.PartitionLayoutError("m", "t", "x=1", "y=1"),
    errors.SchemaConflictError("m", "c", ["int", "struct"], ["a", "b"]),
    errors.UnsupportedTableError("m", "t", "Athena"),
    errors.CorruptFileError("m", "a.parquet"),
    errors.SqlSyntaxError("m", "SELECT", 1, 7),
    errors.ColumnNotFoundError("m", "SELECT a", 1, 8, ["b"]),
    errors.BudgetExceededError("m", "estimate", 10),
    errors.ExecutionError("m"),
    errors.EngineNotInstalledError("m", "spark", "spark"),
]


def all_errors() -> list[type[LakeqError]]:
    found = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, LakeqError)]
    assert len(found) > 20
    return found


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    assert errors.__doc__ is not None
    drawn: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in errors.__doc__.splitlines():
        match = re.match(r"[\s│├└─]*(\w+Error)\b", line)
        if match:
            depth = match.start(1)
            path = [(d, name) for d, name in path if d < depth]
            drawn[match.group(1)] = path[-1][1] if path else "Exception"
            path.append((depth, match.group(1)))
    assert drawn == {error.__name__: error.__base__.__name__ for error in all_errors() if error.__base__}


def test_every_error_is_on_the_page_of_errors() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert [error.__name__ for error in all_errors() if f"`{error.__name__}`" not in page] == []


@pytest.mark.parametrize("error", CARRIED, ids=lambda error: type(error).__name__)
def test_errors_say_their_message_and_keep_their_data_across_processes(error: LakeqError) -> None:
    assert str(error) == "m"
    assert vars(error) or type(error) is LakeqError
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)
