"""The whole thing as real processes on loopback: storefront under gunicorn, edges in front."""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
START_WITHIN = 60.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _end_with_parent() -> None:
    """Ask the kernel for SIGTERM when the test run is gone, however it went (prctl(2))."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Process:
    """A server process: started, waited for, ended; its log is shown when it fails."""

    def __init__(
        self, command: list[str], ready_url: str, environment: Mapping[str, str], log: Path
    ) -> None:
        self.command = command
        self.ready_url = ready_url
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                cwd=ROOT,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        deadline = time.monotonic() + START_WITHIN
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(self.ready_url, timeout=2).status_code < 500:
                    return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"{self.command} did not start:\n{self.tail()}")

    def stop(self) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def signal(self, number: int) -> None:
        """To the process and its children."""
        assert self._process is not None
        os.killpg(self._process.pid, number)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def tail(self, size: int = 3000) -> str:
        return self.log.read_bytes()[-size:].decode(errors="replace") if self.log.exists() else ""


@dataclass
class Stack:
    """An origin and its edges. `edge` is the first; several edges share nothing but the origin."""

    folder: Path
    origin: Process
    origin_url: str
    edges: list[Process]
    urls: list[str]
    admins: list[str]
    secret: str
    token: str
    access_log: Path
    _mark: int = field(default=0)

    @property
    def edge(self) -> str:
        return self.urls[0]

    def admin(self, number: int = 0) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.admins[number], headers=headers, timeout=10)

    def purge(self, **document: Any) -> None:
        """Purge on every edge, and see it acknowledged."""
        for number in range(len(self.admins)):
            with self.admin(number) as admin:
                answer = admin.post("/purge", json=document)
                assert answer.json()["complete"], answer.text

    def mark(self) -> None:
        """Forget the requests that the origin had so far."""
        self._mark = len(self._lines())

    def origin_requests(self) -> list[str]:
        """`METHOD path status` of each request that the origin finished since `mark`."""
        return self._lines()[self._mark :]

    def _lines(self) -> list[str]:
        time.sleep(0.05)  # gunicorn writes the line after the response has left
        if not self.access_log.exists():
            return []
        # the manifest is fetched by the clock, not by visitors
        lines = self.access_log.read_text().splitlines()
        return [line for line in lines if "/_twopass/manifest" not in line]


@contextlib.contextmanager
def running_stack(
    folder: Path,
    environment: Mapping[str, str],
    *,
    application: str = "examples.storefront.wsgi",
    ready: str = "/healthz",
    edges: int = 1,
    edge_options: tuple[str, ...] = (),
    workers: int = 2,
) -> Iterator[Stack]:
    """Run an origin and `edges` edges (with `edge_options`) until the block ends."""
    secret, token = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    origin_port = free_port()
    ports = [(free_port(), free_port()) for _ in range(edges)]
    admins = [f"http://127.0.0.1:{admin}" for _, admin in ports]
    shared = {"TWOPASS_SECRET": secret, "TWOPASS_ADMIN_TOKEN": token}
    access_log = folder / "access.log"
    origin = Process(
        [
            *(sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{origin_port}"),
            *("--workers", str(workers), "--worker-class", "gthread", "--threads", "4"),
            *("--keep-alive", "30", "--access-logfile", str(access_log)),
            *("--access-logformat", "%(m)s %(U)s %(s)s", "--graceful-timeout", "2"),
        ],
        f"http://127.0.0.1:{origin_port}{ready}",
        {**shared, "STOREFRONT_EDGES": ",".join(admins), **environment},
        folder / "origin.log",
    )
    origin_url = f"http://127.0.0.1:{origin_port}"
    processes = [
        Process(
            [
                *(sys.executable, "-m", "edge.cli", "edge", "--origin", origin_url),
                *("--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin}"),
                *("--log-format", "text", *edge_options),
            ],
            f"http://127.0.0.1:{admin}/health",
            shared,
            folder / f"edge-{number}.log",
        )
        for number, (port, admin) in enumerate(ports)
    ]
    urls = [f"http://127.0.0.1:{port}" for port, _ in ports]
    stack = Stack(folder, origin, origin_url, processes, urls, admins, secret, token, access_log)
    try:
        for process in (origin, *processes):
            process.start()
        yield stack
    finally:
        for process in (*processes, origin):
            process.stop()
