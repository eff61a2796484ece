"""What lies directly in a folder, told from all that lies below it."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakeq.storage import base
from lakeq.storage.base import LISTING_SCHEMA, split_folder

PATHS = st.lists(st.text("ab-./0é", min_size=1, max_size=6), max_size=30, unique=True)


@pytest.mark.parametrize(("many", "leaps"), [(1_000, 1_000), (0, 1_000), (0, 2)])
@settings(deadline=None)
@given(paths=PATHS, name=st.sampled_from(["", "a/", "é/"]))
def test_folders_and_objects_are_what_the_paths_say(
    many: int, leaps: int, paths: list[str], name: str
) -> None:
    below = sorted(name + path for path in paths)
    folders = sorted({name + path.partition("/")[0] + "/" for path in paths if "/" in path})
    columns = [below, [1] * len(below), *[[None] * len(below)] * 3]
    objects = pa.table(
        [pa.array(c, f.type) for c, f in zip(columns, LISTING_SCHEMA, strict=True)], LISTING_SCHEMA
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "_MANY", many)
        patch.setattr(base, "_LEAPS", leaps)
        found = split_folder(objects, name)
    assert list(found.folders) == folders
    assert found.objects["path"].to_pylist() == [path for path in below if "/" not in path[len(name) :]]
