"""Starts other processes of the application, and speaks with them."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Other:
    """Another process; `ask` sends a line and gives the answer."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def send(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "the other process ended"
        return json.loads(line)

    def ask(self, line: str) -> Any:
        self.send(line)
        return self.hear()


@contextlib.contextmanager
def other_process(conf: dict[str, object], path: Path) -> Iterator[Other]:
    """Reads its values from the file `path`, as from a database that all share."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.datacache.other_process", json.dumps(conf), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    other = Other(process)
    try:
        assert other.hear() == "ready"
        yield other
    finally:
        process.kill()
        process.communicate()
