"""The peers' programs: which are missing, and how they come here."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

PACKAGES: Final[Mapping[str, str]] = MappingProxyType(
    {"nginx": "nginx-core", "varnishd": "varnish", "wrk": "wrk"}
)
"""Debian's package of each program."""
_SBIN: Final = "/usr/sbin:/sbin"

Run = Callable[[Sequence[str]], int]


def missing(which: Callable[[str], str | None] | None = None) -> list[str]:
    """The programs that are not there."""
    find = which or (lambda name: shutil.which(name) or shutil.which(name, path=_SBIN))
    return [program for program in PACKAGES if find(program) is None]


def advice(programs: Sequence[str]) -> str:
    """The command that gets them."""
    return f"apt-get install {' '.join(PACKAGES[program] for program in programs)}"


def install(programs: Sequence[str], run: Run | None = None) -> None:
    """Get them by apt. Raises RuntimeError when that fails, or without the right to."""
    if os.geteuid() != 0:
        raise RuntimeError(f"only root may install packages: sudo {advice(programs)}")
    packages = [PACKAGES[program] for program in programs]
    act = run or _apt
    # the lists may be older than the packages that the mirror still has
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        if act(command):
            raise RuntimeError(
                f"apt-get {command[0]} failed; without {', '.join(programs)} their scenarios run "
                f"without them: {advice(programs)}"
            )


def _apt(arguments: Sequence[str]) -> int:
    """Quietly, and without starting the services: a benchmark starts its own."""
    if shutil.which("apt-get") is None:
        return 1
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    done = subprocess.run(["apt-get", "-qq", *arguments], env=environment, stdin=subprocess.DEVNULL)
    return done.returncode
