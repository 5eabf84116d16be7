"""The process that owns every server, so that none outlives the one that asked for it.

``devstack`` starts this file once per Python process (``python -I -S guard.py SCRATCH``) and
keeps a pipe to its standard input. The guard is the parent of all servers and the reaper of
their orphans (``PR_SET_CHILD_SUBREAPER``). When the pipe closes, however the asking process
ended (return, exception, SIGTERM, SIGKILL), it ends whatever descends from it and removes the
scratch directory. Should the guard itself be killed, the kernel ends its servers
(``PR_SET_PDEATHSIG``), which works here and not in the asking process, because the signal
follows the death of the starting *thread* and the guard has only one.

It imports nothing but the standard library: it also runs where the project is not installed.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
IPC_RMID = 0
# Enough for PostgreSQL to end its children and give its shared memory back after SIGQUIT.
QUIT_GRACE = 3.0
PARENT_CHECK_INTERVAL = 1.0

_libc = ctypes.CDLL(None, use_errno=True)


def descendants(root: int) -> list[int]:
    """The pids below ``root`` as /proc shows them now, parents before children."""
    children: dict[int, list[int]] = defaultdict(list)
    for pid in (int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()):
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_bytes()
            # The command may hold spaces and parentheses; the fields start after the last one.
            children[int(stat.rpartition(b")")[2].split()[1])].append(pid)
    found: list[int] = []
    queue = [root]
    while queue:
        below = children.get(queue.pop(0), [])
        found += below
        queue += below
    return found


def send_signal(pid: int, signum: int) -> None:
    """Signals a process that may have gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signum)


class Guard:
    """Starts servers on request and, in the end, leaves nothing behind."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.parent = os.getppid()
        self.is_asked_to_end = False

    def run(self) -> None:
        """Serves requests until the pipe closes or the asking process is gone."""
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, self._on_end_signal)
        wakeup_reader, wakeup_writer = os.pipe()
        os.set_blocking(wakeup_reader, False)
        os.set_blocking(wakeup_writer, False)
        signal.set_wakeup_fd(wakeup_writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # a handler, so that it wakes select
        try:
            self._serve(wakeup_reader)
        finally:
            self.end_everything()

    def _on_end_signal(self, *_: object) -> None:
        self.is_asked_to_end = True

    def _serve(self, wakeup: int) -> None:
        pending = b""
        while not self.is_asked_to_end and os.getppid() == self.parent:
            ready, _, _ = select.select([0, wakeup], [], [], PARENT_CHECK_INTERVAL)
            reap()
            if wakeup in ready:
                os.read(wakeup, 4096)
            if 0 in ready:
                chunk = os.read(0, 65536)
                if not chunk:
                    return
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    self._reply(json.loads(line))

    def _reply(self, request: dict[str, Any]) -> None:
        try:
            answer = {"result": getattr(self, f"do_{request.pop('do')}")(**request)}
        except Exception as error:  # noqa: BLE001 - every failure belongs to the one who asked
            answer = {"error": f"{type(error).__name__}: {error}"}
        with contextlib.suppress(BrokenPipeError):
            os.write(1, json.dumps(answer).encode() + b"\n")

    def do_start(
        self, argv: list[str], log: str, env: dict[str, str], cwd: str, user: int | None
    ) -> int:
        """Starts a server with its output appended to ``log``; returns its pid."""
        identity: dict[str, Any] = {}
        if user is not None:
            identity = {"user": user, "group": group_of(user), "extra_groups": []}
        with Path(log).open("ab") as output:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=env,
                cwd=cwd,
                preexec_fn=die_with_guard,
                **identity,
            )
        process.returncode = 0  # `reap` collects the status: Popen must not wait for it too
        return process.pid

    def do_discard(self, path: str) -> None:
        """Removes a directory below the scratch directory and the shared memory it owned."""
        if self.scratch not in Path(path).parents:
            raise ValueError(f"{path} is not below {self.scratch}")
        discard(Path(path))

    def end_everything(self) -> None:
        """Ends all descendants (politely, then not) and removes the scratch directory."""
        me = os.getpid()
        for pid in descendants(me):
            send_signal(pid, signal.SIGQUIT)
            send_signal(pid, signal.SIGCONT)  # a stopped process cannot quit
        deadline = time.monotonic() + QUIT_GRACE
        while descendants(me):
            if time.monotonic() > deadline:
                for pid in descendants(me):
                    send_signal(pid, signal.SIGKILL)
            reap()
            time.sleep(0.005)
        discard(self.scratch)


def reap() -> None:
    """Collects every child that has ended, adopted ones included."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def die_with_guard() -> None:
    """Runs in the new server, after it changed its user: that change would clear the setting."""
    # a shell's background jobs ignore it (POSIX.1-2017, Shell §2.11), and so would what they start
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)


def group_of(uid: int) -> int:
    """The primary group of a user."""
    import pwd

    return pwd.getpwuid(uid).pw_gid


def discard(directory: Path) -> None:
    """Removes a directory tree; a PostgreSQL killed in it leaves a shared memory segment."""
    for lock_file in directory.glob("**/postmaster.pid"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            # Line 7: "key id" (PostgreSQL, "Database File Layout").
            segment = int(lock_file.read_text().splitlines()[6].split()[1])
            _libc.shmctl(segment, IPC_RMID, None)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    Guard(Path(sys.argv[1])).run()
