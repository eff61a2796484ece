"""Trino: queries run on a cluster of the user's own, over the tables that it knows by the same files."""

from lakeq.engines.trino.engine import open_engine

__all__ = ["open_engine"]
