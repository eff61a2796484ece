"""From the name of an engine outside of this process to the engine."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from lakeq.engines.base import Engine, EngineContext
from lakeq.engines.names import OUTSIDE
from lakeq.errors import EngineNotInstalledError

_PACKAGES = {"spark": "pyspark", "trino": "trino", "athena": "botocore"}
"""What each engine is spoken to through; the extra that installs it has the engine's name."""


def open_engine(name: str, target: Any, context: EngineContext) -> Engine:
    """The engine `name`, one of OUTSIDE, at its `target`; None: where it is by default.

    EngineNotInstalledError when its package is missing; ConfigError for a target that it cannot be.
    """
    if find_spec(_PACKAGES[name]) is None:
        raise EngineNotInstalledError(
            f"{OUTSIDE[name]} needs a package that is not installed. Install it: pip install 'lakeq[{name}]'",
            name,
            name,
        )
    engine: Engine = import_module(f"lakeq.engines.{name}").open_engine(target, context)
    return engine
