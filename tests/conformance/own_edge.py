"""Starts our edge as a user would, by its command line."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.proxies import await_port, free_port

TOKEN = "token-of-the-tests"
_ROOT = Path(__file__).resolve().parents[2]
_COMMAND = [sys.executable, "-m", "edge.cli", "edge"]


@dataclass(frozen=True)
class Edge:
    """Where the edge is. `pid` is 0 when it was started by somebody else."""

    host: str
    port: int
    admin_port: int
    origin_port: int
    pid: int = 0


@contextlib.contextmanager
def own_edge(origin_port: int, directory: Path, options: Sequence[str] = ()) -> Iterator[Edge]:
    """An edge in front of that port of loopback; its log is `edge.log` in the directory."""
    port, admin = free_port(), free_port()
    command = [
        *_COMMAND, "--origin", f"http://127.0.0.1:{origin_port}",
        "--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin}", *options,
    ]  # fmt: skip
    environment = {
        **os.environ,
        "TWOPASS_SECRET": "s" * 48,
        "TWOPASS_ADMIN_TOKEN": TOKEN,
        # a busy machine must not make a fragment look missing
        "TWOPASS_FRAGMENT_DEADLINE": "20",
        "TWOPASS_PAGE_DEADLINE": "20",
    }
    with (directory / "edge.log").open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env=environment, cwd=_ROOT
        )
        try:
            await_port(port, process)
            await_port(admin, process)
            yield Edge("127.0.0.1", port, admin, origin_port, process.pid)
        finally:
            process.terminate()
            process.wait(20)
