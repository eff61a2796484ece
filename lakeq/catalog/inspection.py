"""Looking into files: their footers or heads are read, many at once, and a broken one is told apart."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from lakeq.errors import CorruptFileError, LakeqError, StorageUnavailableError
from lakeq.formats.base import FileFacts, Format, ReadOptions
from lakeq.formats.head import HEAD_BYTES
from lakeq.storage.base import Store, StoredFile
from lakeq.storage.progress import Reporter


def inspect_files(
    file_format: Format,
    sources: Sequence[StoredFile],
    options: ReadOptions,
    reader: Store,
    whole_bytes: int,
    report: Reporter,
) -> list[FileFacts | LakeqError]:
    """What each file tells, in order; the error of its own for a file that cannot be read or understood.

    Files up to `whole_bytes` are read whole first, and of other remote text the head, so that a `reader` that
    keeps what it read is asked once.
    StorageUnavailableError is raised: it says nothing about the file.
    """
    progress = report.start("inspecting", len(sources))

    def inspect(source: StoredFile) -> FileFacts | LakeqError:
        try:
            if source.size <= whole_bytes:
                source.read(0, source.size)
            elif not (file_format.has_footers or reader.is_local):
                source.read(0, min(source.size, HEAD_BYTES))
            return file_format.inspect(source, options)
        except StorageUnavailableError:
            raise
        except LakeqError as error:
            return error
        except (ArithmeticError, LookupError, TypeError, ValueError, pa.ArrowException) as error:
            return CorruptFileError(
                f"{source.path} cannot be read as {file_format.name}: {error}", source.path
            )
        finally:
            progress.advance(1)

    return reader.workers.map(inspect, sources)
