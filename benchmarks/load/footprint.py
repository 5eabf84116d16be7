"""What processes hold: memory and descriptors, read from /proc."""

from __future__ import annotations

import os
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


def family(leader: int) -> list[int]:
    """The processes of a session: its leader and all that it started."""
    members = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            session = int(entry.read_text().rpartition(")")[2].split()[3])
        except OSError:
            continue  # it has just ended
        if session == leader:
            members.append(int(entry.parent.name))
    return members


def memory_mib(leader: int) -> float:
    """Resident memory of a family."""
    return sum(map(_resident, family(leader))) * _PAGE / 2**20


def descriptors(leader: int) -> int:
    """Open files and sockets of a family."""
    return sum(map(_open, family(leader)))


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0


def _open(pid: int) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return 0
