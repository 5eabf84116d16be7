"""The demo's processes: started, watched, and stopped together."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from .failure import DemoFailure

GRACE = 8.0
TAIL_LINES = 25
_PR_SET_PDEATHSIG = 1


class Member:
    """One server of the demo with its log file."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log

    def tail(self) -> str:
        """The end of its log."""
        lines = self.log.read_text("utf-8", errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])


class Crew:
    """Starts members; leaving the context stops them all, the last one first."""

    def __init__(self, logs: Path, environment: Mapping[str, str], directory: Path) -> None:
        self.logs = logs
        self.environment = dict(environment)
        self.directory = directory
        self.members: list[Member] = []
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: Sequence[str]) -> Member:
        """Start a server; its output goes to a log file of its name.

        In a session of its own: Ctrl-C reaches the demo alone, which then stops the members in
        order.
        """
        log = self.logs / f"demo-{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env=self.environment,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        member = Member(name, process, log)
        self.members.append(member)
        return member

    def check(self) -> None:
        """Raises DemoFailure, with the end of its log, when a member has ended by itself."""
        for member in self.members:
            status = member.process.poll()
            if status is not None:
                raise DemoFailure(
                    f"The {member.name} ended by itself ({_as_words(status)}). "
                    f"The end of {member.log}:\n{member.tail()}"
                )

    def stop(self) -> None:
        """Ask each member to end, the last one first; kill what does not within the grace."""
        for member in reversed(self.members):
            _signal_group(member, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                member.process.wait(GRACE)
            # also workers that their server left behind
            _signal_group(member, signal.SIGKILL)
            member.process.wait()
        self.members.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def watch(crew: Crew, interval: float = 0.5) -> None:
    """Stay until interrupted. Raises DemoFailure when a member ends by itself."""
    while True:
        crew.check()
        time.sleep(interval)


def _signal_group(member: Member, signum: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(member.process.pid, signum)


def _end_with_parent() -> None:
    """On Linux the kernel ends the member should the demo itself be killed."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _as_words(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"
