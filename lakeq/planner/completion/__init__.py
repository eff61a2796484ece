"""Completion of SQL at a prompt: pure functions over what is known of a lake."""

from lakeq.planner.completion.complete import complete_sql
from lakeq.planner.completion.names import SourceColumn
from lakeq.planner.completion.source import Completion, CompletionSource

__all__ = ["Completion", "CompletionSource", "SourceColumn", "complete_sql"]
