"""What the rights of a folder on this machine mean for the lake in it."""

from __future__ import annotations

from collections.abc import Iterator

from lakeq.audit.finding import Finding
from lakeq.quantities import format_count
from lakeq.storage.folder_posture import FolderPosture


def judge_folder(posture: FolderPosture) -> Iterator[Finding]:
    """A finding for who may write, one for links, and one for what could not be looked into, if any."""
    count, examples = posture.writable
    if count:
        yield Finding(
            "folder-writable",
            "risk",
            f"Any user of this machine may write to {_name(count, examples)}.",
            "Whoever writes there changes the answers of queries.",
            "Take the right from others: chmod o-w.",
        )
    else:
        yield Finding("folder-writable", "ok", "Only the owner and their group may write to the lake.")
    count, examples = posture.leading_out
    if count:
        yield Finding(
            "folder-links",
            "note",
            f"Links lead out of the lake: {_name(count, examples)}.",
            "They are listed and never read: a query that wants one of them fails.",
            "Replace them with files, or connect to a folder above their targets.",
        )
    else:
        yield Finding("folder-links", "ok", "No link leads out of the lake.")
    count, examples = posture.closed
    if count:
        yield Finding(
            "folder-closed",
            "unknown",
            f"Not known: this user may not look into {_name(count, examples)}.",
            "What is not known is not taken for safe.",
            "Run the audit as the owner of the folder.",
        )


def _name(count: int, examples: tuple[str, ...]) -> str:
    more = f" and {format_count(count - len(examples))} more" if count > len(examples) else ""
    return f"{', '.join(examples)}{more}"
