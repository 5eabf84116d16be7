"""Our edge with a store that is full already: for what depends on how much is held."""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any, Final, Literal
from urllib.request import Request, urlopen

from ..processes import free_port, python, server
from .objects import path

FILL_WITHIN: Final = 600.0

Kind = Literal["pages", "responses"]


@dataclass(frozen=True, slots=True)
class FilledEdge:
    """One that runs. `memory` is what it said of itself when it was full."""

    url: str
    admin: str
    token: str
    process: Popen[bytes]
    count: int
    memory: dict[str, float]

    def purge(self, **names: object) -> dict[str, Any]:
        """`POST /purge`; the receipt."""
        body = json.dumps(names).encode()
        fields = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        with urlopen(Request(f"{self.admin}/purge", body, fields), timeout=60) as response:
            receipt: dict[str, Any] = json.load(response)
        return receipt

    def resident(self) -> int:
        """Bytes of memory that it has now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024


@contextmanager
def filled_edge(count: int, kind: Kind = "responses") -> Iterator[FilledEdge]:
    """One edge process that holds `count` responses, or pages of two passes, of some 500 bytes.

    They are judged, prepared and stored by the functions that do it for an origin's answers, in the
    process that then serves; a million requests to an origin would take the better part of an hour.
    """
    public, admin = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    token = secrets.token_urlsafe(24)
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder, "memory.json")
        command = python("-m", "benchmarks.contestants.filling", public, admin, str(count))
        command += (str(said), kind)
        environment = {"TWOPASS_ADMIN_TOKEN": token}
        ready = f"http://{admin}/health"
        with server(command, ready, environment, within=FILL_WITHIN) as process:
            memory = json.loads(said.read_text())
            yield FilledEdge(f"http://{public}", f"http://{admin}", token, process, count, memory)


def require_all_held(url: str, count: int) -> None:
    """Raises RuntimeError unless the first, the last and some between come from memory."""
    for number in {0, count - 1, *range(0, count, max(1, count // 100))}:
        with urlopen(url + path(number), timeout=10) as response:
            status = response.headers.get("Cache-Status", "")
            body = response.read()
        if not status.startswith("twopass; hit") and not status.startswith("twopass;hit"):
            raise RuntimeError(f"{url}{path(number)} is not held: {status!r}")
        if not body.startswith(b"%d: " % number):
            raise RuntimeError(f"{url}{path(number)} is another object: {body[:20]!r}")
