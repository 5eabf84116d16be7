"""Processor time of a PostgreSQL server: of the postmaster, its children, and those that ended."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_UTIME, _STIME, _CUTIME, _CSTIME, _PARENT = 11, 12, 13, 14, 1


def cpu_seconds(postmaster: int) -> float:
    """Seconds of processor time so far. Linux only."""
    total = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        fields = _fields(int(entry.name))
        if fields is None:
            continue
        if int(entry.name) == postmaster:
            total += sum(map(int, fields[_UTIME : _CSTIME + 1]))
        elif int(fields[_PARENT]) == postmaster:
            total += int(fields[_UTIME]) + int(fields[_STIME])
    return total / _TICKS


def _fields(pid: int) -> list[str] | None:
    """What follows the name in /proc/PID/stat; None for a process that has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()
