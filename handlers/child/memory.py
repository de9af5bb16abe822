"""How much memory this process and its children may use together on this machine."""

import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")


def memory_bytes() -> int:
    """The minimum of the machine's memory, its cgroups' limits, and the Lambda function's."""
    return min(_limits())


def _limits() -> Iterator[int]:
    yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if megabytes := os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"):
        yield int(megabytes) * 1024 * 1024
    for file in _limit_files():
        text = file.read_text().strip() if file.is_file() else ""
        if text.isdecimal():  # "max" is no limit
            yield int(text)


def _limit_files() -> Iterator[Path]:
    """The limits of our cgroup and of those around it; version 1 has them in a separate tree.

    Source: the kernel's Documentation/admin-guide/cgroup-v2.rst (memory.max), cgroup-v1/memory.rst.
    """
    lines = OWN_CGROUP.read_text().splitlines() if OWN_CGROUP.is_file() else []
    for controllers, path in (line.split(":", 2)[1:] for line in lines if line.count(":") >= 2):
        if controllers and "memory" not in controllers.split(","):
            continue
        top, name = (CGROUPS / "memory", "memory.limit_in_bytes") if controllers else (CGROUPS, "memory.max")
        own = Path(path.lstrip("/"))
        yield from (top / folder / name for folder in (own, *own.parents))
