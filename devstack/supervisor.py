"""This process's side of the guard: start servers, signal them, know when they end."""

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from devstack import guard
from devstack.account import Account, make_scratch_directory, server_account
from devstack.errors import DevstackError, ServerFailed

CLOSE_TIMEOUT = 30.0
LOG_TAIL_LINES = 15


class ServerProcess:
    """A running server and its children, held by pidfd so that a reused pid is never hit."""

    def __init__(self, pid: int, log: Path) -> None:
        self.pid = pid
        self.log = log
        self._pidfd: int | None = None
        with contextlib.suppress(ProcessLookupError):
            self._pidfd = os.pidfd_open(pid)

    @property
    def is_running(self) -> bool:
        """Whether the server has not ended yet (a frozen one has not)."""
        return not self.wait(0)

    def wait(self, timeout: float) -> bool:
        """Waits at most ``timeout`` seconds for the server to end; whether it has."""
        if self._pidfd is None:
            return True
        readable, _, _ = select.select([self._pidfd], [], [], timeout)
        if readable:
            os.close(self._pidfd)
            self._pidfd = None
        return bool(readable)

    def signal(self, signum: int) -> None:
        """Signals the server's first process; nothing when it has ended."""
        if self._pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signum)

    def freeze(self) -> None:
        """Stops every process of the server as they are: sockets stay open, nobody answers."""
        self.signal(signal.SIGSTOP)  # first, so that it cannot start more children
        for child in self._children():
            guard.send_signal(child, signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets a frozen server go on."""
        for child in self._children():
            guard.send_signal(child, signal.SIGCONT)
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """Ends every process of the server at once, as a power cut would; returns when done."""
        self.signal(signal.SIGSTOP)
        children = [ServerProcess(pid, self.log) for pid in self._children()]
        for process in [*children, self]:
            process.signal(signal.SIGKILL)
        for process in [*children, self]:
            process.wait(CLOSE_TIMEOUT)

    def log_tail(self) -> str:
        """The last lines that the server wrote."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])
        return "(no log)"

    def _children(self) -> list[int]:
        return guard.descendants(self.pid) if self.is_running else []


class Supervisor:
    """Owns the guard process and the scratch directory of this Python process."""

    def __init__(self) -> None:
        if not sys.platform.startswith("linux"):
            raise DevstackError("devstack needs Linux (pidfds, /proc, process death signals)")
        self.owner_pid = os.getpid()
        self.account: Account = server_account()
        self.scratch = make_scratch_directory(self.account)
        self._lock = threading.Lock()
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", guard.__file__, str(self.scratch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
            start_new_session=True,  # Ctrl-C in a terminal is for us, not for the servers
        )

    def start(self, argv: list[str], *, log: Path, cwd: Path) -> ServerProcess:
        """Starts a server as the server account.

        Raises:
            ServerFailed: it could not be executed.
        """
        environment = {"PATH": os.defpath, "LC_ALL": "C", "HOME": str(cwd), "TZ": "UTC"}
        user = self.account.uid if self.account.is_switched else None
        pid = self._ask("start", argv=argv, log=str(log), env=environment, cwd=str(cwd), user=user)
        return ServerProcess(pid, log)

    def make_directory(self, name: str) -> Path:
        """A new private directory for a server's files."""
        with self._lock:
            number = 1
            while (path := self.scratch / f"{name}-{number}").exists():
                number += 1
            path.mkdir(mode=0o700)
        self.account.own(path)
        return path

    def discard(self, directory: Path) -> None:
        """Removes a directory made by ``make_directory`` once its servers have ended."""
        self._ask("discard", path=str(directory))

    def close(self) -> None:
        """Ends all servers and removes the scratch directory."""
        if os.getpid() != self.owner_pid:
            return  # a fork: the guard belongs to its parent
        with contextlib.suppress(BrokenPipeError):
            self._guard.communicate(timeout=CLOSE_TIMEOUT)

    @property
    def is_usable(self) -> bool:
        """Whether this process may use it (not after a fork, not after the guard's end)."""
        return os.getpid() == self.owner_pid and self._guard.poll() is None

    def _ask(self, do: str, **arguments: Any) -> Any:
        assert self._guard.stdin is not None
        assert self._guard.stdout is not None
        with self._lock:
            try:
                self._guard.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
                self._guard.stdin.flush()
                line = self._guard.stdout.readline()
            except BrokenPipeError:
                line = b""
        if not line:
            raise DevstackError("the process that guards the servers has ended; they are gone too")
        answer = json.loads(line)
        if "error" in answer:
            raise ServerFailed(answer["error"])
        return answer["result"]


_current: Supervisor | None = None
_current_lock = threading.Lock()


def supervisor() -> Supervisor:
    """The supervisor of this process, started on first use and closed at exit."""
    global _current
    with _current_lock:
        if _current is None or not _current.is_usable:
            _current = Supervisor()
            atexit.register(_current.close)
        return _current
