"""Lakes in Harlequin, the SQL IDE for the terminal: `harlequin -a lakeq s3://bucket/data`."""

from __future__ import annotations

from lakeq.harlequin_adapter.adapter import LakeqAdapter

__all__ = ["LakeqAdapter"]
