"""Spark as an engine: given the planned files, their schemas and partition values, it lists nothing."""

from __future__ import annotations

from typing import Any

from lakeq.engines.base import EngineContext
from lakeq.engines.spark.engine import SparkEngine
from lakeq.engines.spark.target import read_target


def open_engine(target: Any, context: EngineContext) -> SparkEngine:
    """The engine at `target`: a SparkSession; `local[*]`, `spark://host:port` or `sc://host:port`; a mapping
    with `url`, `packages` and `conf`; None: `local[*]`. ConfigError for anything else.

    No session is started, and nobody is asked, before a query runs.
    """
    return SparkEngine(read_target(target), context)
