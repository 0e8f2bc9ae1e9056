"""What processes cost, as the kernel counts it: processor seconds and memory. Linux only."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
MEGABYTE = 1_000_000
MODEL = re.compile(r"^model name\s*:\s*(.+)$", re.MULTILINE)


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still live."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def processor_seconds(pid: int) -> float:
    """Of a process, its threads, its living children, and those that ended before."""
    own = [_seconds(pid, (11, 12, 13, 14)), *(_seconds(child, (11, 12)) for child in children(pid))]
    return sum(own)


def family_seconds(pid: int) -> float:
    """Of a process and all that descend from it and still live."""
    return _seconds(pid, (11, 12)) + sum(map(family_seconds, children(pid)))


def _seconds(pid: int, columns: tuple[int, ...]) -> float:
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(words[column]) for column in columns) / TICKS


def resident(pid: int, peak: bool = False) -> float:
    """Memory in megabytes that a process has in use, or had at most since `forget_peak`."""
    name = "VmHWM" if peak else "VmRSS"
    with contextlib.suppress(OSError):
        found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        if found:
            return int(found[1]) * 1024 / MEGABYTE
    return 0.0


def forget_peak(pid: int) -> None:
    """Begin to look for the peak of a process's memory anew, where the kernel allows it."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def machine() -> dict[str, str]:
    """The facts about this machine that figures depend on."""
    model = MODEL.search(Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    release = re.search(r'PRETTY_NAME="([^"]+)"', Path("/etc/os-release").read_text())
    return {
        "processor": f"{os.cpu_count()} × {model[1].strip() if model else os.uname().machine}",
        "memory": f"{memory:.0f} GB",
        "system": release[1] if release else os.uname().sysname,
        "kernel": os.uname().release.partition("-")[0],
        "load": f"{os.getloadavg()[0]:.1f}",
    }
