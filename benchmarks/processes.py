"""Server processes of a run: started on a core, waited for, ended whatever happens."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from .machine import server_core

START_WITHIN: Final = 60.0


class ServerFailed(Exception):
    """A server that did not come up; the message ends with its own last words."""


@contextmanager
def server(
    command: Sequence[str],
    ready_url: str,
    environment: Mapping[str, str] | None = None,
    cores: Set[int] = frozenset(),
    within: float = START_WITHIN,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` on `cores`, by default the servers' one, while the block lasts.

    It is ready when `ready_url` answers, which it must `within` so many seconds.
    """
    chosen = cores or {server_core()}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, chosen),
        )
        try:
            _wait(process, ready_url, log, within)
            yield process
        finally:
            end(process)


def python(*arguments: str) -> list[str]:
    """A command that runs under this very Python."""
    return [sys.executable, *arguments]


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask the process and its children to stop, and see to it that they did."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """Processor time that the process and its children have used so far."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == process.pid:  # session id: the child leads its own session
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _wait(process: subprocess.Popen[bytes], url: str, log: object, within: float) -> None:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urlopen(url, timeout=2):
                return
        except HTTPError:
            return
        except (URLError, OSError):
            time.sleep(0.05)
    log.seek(0)  # type: ignore[attr-defined]
    words = log.read()[-2000:].decode(errors="replace")  # type: ignore[attr-defined]
    raise ServerFailed(f"{' '.join(process.args)} did not answer at {url}:\n{words}")  # type: ignore[arg-type]
