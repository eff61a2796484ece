"""What PySpark says beside the errors that it raises, and nobody is to see twice."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")


@contextmanager
def unlogged_errors() -> Iterator[None]:
    """Keep the errors that this thread meets in the block out of PySpark's own log on standard error."""
    ours = threading.get_ident()

    def is_others(record: logging.LogRecord) -> bool:
        return record.thread != ours

    from pyspark.logger import PySparkLogger

    loggers = [PySparkLogger.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(is_others)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_others)
