"""How much memory there is."""

from __future__ import annotations

import os
from contextlib import suppress

_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def total_memory() -> int:
    """Bytes of memory of this machine, or of the container that this process may not outgrow."""
    sizes = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in _CGROUP_LIMITS:
        with suppress(OSError, ValueError), open(path) as limit:
            sizes.append(int(limit.read()))
    return min(sizes)
