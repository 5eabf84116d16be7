"""However the program ends that started servers, none of them and no file is left."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devstack.account import server_account
from devstack.postgresql.programs import find_postgres
from devstack.redis_server import find_redis

PROGRAM = Path(__file__).with_name("stack_process.py")
DEADLINE = 60.0


@dataclass
class Running:
    """The started program and what it said about its servers."""

    process: "subprocess.Popen[str]"
    report: dict[str, Any]

    def assert_nothing_is_left(self) -> None:
        deadline = time.monotonic() + DEADLINE
        while leftovers := self.leftovers():
            assert time.monotonic() < deadline, leftovers
            time.sleep(0.02)

    def leftovers(self) -> list[str]:
        found = [f"pid {pid}" for pid in self.report["pids"] if is_alive(pid)]
        found += [f"shm {shm}" for shm in self.report["segments"] if shm in shared_memory()]
        return found + ([self.report["scratch"]] if Path(self.report["scratch"]).exists() else [])


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def shared_memory() -> set[int]:
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return {int(line.split()[1]) for line in lines}


def start(ending: str, *prefix: str, program: Path = PROGRAM, python: str = "") -> Running:
    environment = {
        "PATH": os.environ["PATH"],
        "PG_BIN": str(find_postgres().folder),
        "REDIS_SERVER": str(find_redis()),
    }
    process = subprocess.Popen(
        [*prefix, python or sys.executable, str(program), ending],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        env=environment,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        pytest.fail(process.communicate()[1])
    return Running(process, json.loads(line))


@pytest.fixture
def waiting() -> Iterator[Running]:
    running = start("wait")
    yield running
    running.process.kill()
    running.process.communicate()


def test_after_a_normal_end() -> None:
    running = start("return")
    assert running.process.wait(DEADLINE) == 0
    # Nothing to wait for: the program leaves only when its servers have gone.
    assert running.leftovers() == []


def test_after_an_exception() -> None:
    running = start("error")
    _, errors = running.process.communicate(timeout=DEADLINE)
    assert "RuntimeError: as asked" in errors
    assert running.leftovers() == []


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGHUP])
def test_after_a_signal(waiting: Running, signum: int) -> None:
    assert waiting.leftovers() != []
    waiting.process.send_signal(signum)
    waiting.process.wait(DEADLINE)
    waiting.assert_nothing_is_left()


def test_frozen_servers_go_too() -> None:
    running = start("frozen")
    running.process.kill()
    running.process.wait(DEADLINE)
    running.assert_nothing_is_left()


@pytest.fixture
def _in_background() -> Iterator[None]:
    """As a shell starts what it puts into the background."""
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGQUIT, before)


@pytest.mark.usefixtures("_in_background")
def test_servers_go_with_their_guard(waiting: Running) -> None:
    guard, *servers = waiting.report["pids"]
    os.kill(guard, signal.SIGKILL)
    deadline = time.monotonic() + DEADLINE
    while left := [pid for pid in servers if is_alive(pid)]:
        assert time.monotonic() < deadline, [Path(f"/proc/{pid}/stat").read_text() for pid in left]
        time.sleep(0.02)
    shutil.rmtree(waiting.report["scratch"])


def test_servers_outlive_the_thread_that_started_them() -> None:
    running = start("thread")
    printed, errors = running.process.communicate(timeout=DEADLINE)
    assert printed.strip() == "alive", errors


def test_servers_never_run_as_root() -> None:
    running = start("return")
    running.process.wait(DEADLINE)
    assert running.report["owner"] == server_account().uid != 0


def test_as_an_ordinary_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    """From a copy of the folder, since the checkout may be where only root can go."""
    if os.geteuid() == 0:
        root = Path("/tmp", f"devstack-copy-{os.getpid()}")
        prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        account = server_account()
        reachable = account.can_reach(Path(sys.executable))
        python = sys.executable if reachable else "/usr/bin/python3"
    else:
        root, prefix, python = tmp_path_factory.mktemp("copy"), [], sys.executable
    try:
        checkout = PROGRAM.parents[2]
        shutil.copytree(checkout / "devstack", root / "devstack")
        shutil.copytree(PROGRAM.parent, root / "tests" / "devstack")
        running = start(
            "return", *prefix, program=root / "tests/devstack/stack_process.py", python=python
        )
        _, errors = running.process.communicate(timeout=DEADLINE)
        assert (running.process.returncode, errors) == (0, "")
        assert running.report["user"] == running.report["owner"] == server_account().uid
        assert running.leftovers() == []
    finally:
        shutil.rmtree(root, ignore_errors=True)
