"""Where a run took place, without anything that names the machine."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

PACKAGES: Final = ("django", "starlette", "uvicorn", "uvloop", "httptools", "httpx", "gunicorn")
PROGRAMS: Final[Mapping[str, Sequence[str]]] = {
    "nginx": ("nginx", "-v"),
    "varnish": ("varnishd", "-V"),
    "wrk": ("wrk", "-v"),
}


def describe() -> dict[str, Any]:
    """Processor, cores, memory, kernel."""
    return {
        "processor": _first(Path("/proc/cpuinfo"), r"model name\s*:\s*(.+)") or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
    }


def versions() -> dict[str, str]:
    """Python, the packages that carry the load, and the peers' programs."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    for name, command in PROGRAMS.items():
        if number := _program_version(command):
            found[name] = number
    return found


def _program_version(command: Sequence[str]) -> str | None:
    program = shutil.which(command[0]) or shutil.which(command[0], path="/usr/sbin")
    if program is None:
        return None
    try:
        told = subprocess.run([program, *command[1:]], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    number = re.search(r"\d+\.\d+(?:\.\d+)*", told.stdout + told.stderr)
    return number[0] if number else None


def server_core() -> int:
    """The core that every measured server runs on."""
    return min(os.sched_getaffinity(0))


def load_core() -> int:
    """The core that the load runs on: another one where there is another."""
    return max(os.sched_getaffinity(0))


def _first(path: Path, pattern: str) -> str | None:
    try:
        found = re.search(pattern, path.read_text())
    except OSError:
        return None
    return found[1].strip() if found else None
