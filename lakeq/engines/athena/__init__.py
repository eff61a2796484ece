"""Athena: queries run by AWS, over tables that its catalog has of the same files, paid for by the byte."""

from lakeq.engines.athena.engine import open_engine

__all__ = ["open_engine"]
