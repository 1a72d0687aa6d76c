"""How much memory there is: of the machine, of the control group that this process is in, or of a graphics card."""

from __future__ import annotations

import os
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
UNKNOWN = 4 * 1024**3
"""Where a machine does not say, as if so much were free."""


def free(device: str = "cpu") -> int:
    """Bytes that this process can still have."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    return min(_of_the_machine(), _of_the_group())


def _of_the_machine() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        told = {name: value for name, _, value in (line.partition(":") for line in lines)}
        return int(told["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return _of_pages()


def _of_pages() -> int:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return UNKNOWN


def _of_the_group() -> int:
    """What a container's limit leaves; files that the kernel keeps in memory can go and do not count."""
    for most, used, stat in (
        ("memory.max", "memory.current", "memory.stat"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
    ):
        try:
            lines = (GROUPS / stat).read_text(encoding="ascii").splitlines()
            kept = sum(
                int(line.split()[1]) for line in lines if line.split()[0] in ("inactive_file", "total_inactive_file")
            )
            limit = int((GROUPS / most).read_text(encoding="ascii"))
            return max(limit - int((GROUPS / used).read_text(encoding="ascii")) + kept, 0)
        except (OSError, ValueError):  # no such group, or "max": no limit
            continue
    return _of_the_machine()
