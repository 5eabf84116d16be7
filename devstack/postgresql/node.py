"""One PostgreSQL server and the levers that break and mend it."""

import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from devstack.errors import ServerFailed
from devstack.ports import LOOPBACK, claim_port
from devstack.postgresql.programs import PostgresPrograms
from devstack.postgresql.template import SUPERUSER, copy_template
from devstack.supervisor import ServerProcess, supervisor

StopMode = Literal["smart", "fast", "immediate"]

STOP_SIGNALS: Mapping[StopMode, int] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}
TIMEOUT = 60.0
CLOSE_GRACE = 3.0
POLL_INTERVAL = 0.005
# Characters that do not occur in what devstack asks for; psql prints them between values.
FIELD, RECORD = "\x1f", "\x1e"


class PostgresNode:
    """A primary or a streaming replica on a loopback port of its own.

    The port stays claimed while the node is down, so a stopped or killed node refuses
    connections and comes back at the same address.
    """

    host = LOOPBACK
    user = SUPERUSER

    def __init__(self, name: str, programs: PostgresPrograms, directory: Path) -> None:
        self.name = name
        self.programs = programs
        self.data_directory = directory / name
        self._directory = directory
        self._claim = claim_port()
        self._process: ServerProcess | None = None
        self._is_frozen = False

    @property
    def port(self) -> int:
        """The TCP port on ``host``."""
        return self._claim.port

    def dsn(self, dbname: str = "postgres") -> str:
        """A connection URI for libpq and its drivers."""
        return f"postgresql://{self.user}@{self.host}:{self.port}/{dbname}"

    def django_settings(self, dbname: str = "postgres") -> dict[str, str]:
        """The address as entries of a Django ``DATABASES`` alias, without ``ENGINE``."""
        return {
            "HOST": self.host,
            "PORT": str(self.port),
            "USER": self.user,
            "PASSWORD": "",
            "NAME": dbname,
        }

    # Setting up: used by the cluster.

    def initialise(self, settings: Mapping[str, str], upstream: "PostgresNode | None") -> None:
        """Makes the data directory: a primary, or a replica of ``upstream``."""
        copy_template(self.programs, self.data_directory)
        self._write_settings(settings)
        if upstream is not None:
            self._write_upstream(upstream)

    def _write_settings(self, settings: Mapping[str, str]) -> None:
        own = {
            "port": str(self.port),
            "cluster_name": self.name,
            "unix_socket_directories": str(self._directory),
            **settings,
        }
        with (self.data_directory / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {quoted(value)}\n" for name, value in own.items())

    def _write_upstream(self, upstream: "PostgresNode") -> None:
        marker = self.data_directory / "standby.signal"
        marker.touch()
        supervisor().account.own(marker)
        with (self.data_directory / "postgresql.auto.conf").open("a") as file:
            file.write(f"primary_conninfo = {quoted(self._conninfo(upstream))}\n")

    def _conninfo(self, upstream: "PostgresNode") -> str:
        return (
            f"host={upstream.host} port={upstream.port} user={upstream.user} "
            f"application_name={self.name} connect_timeout=5"
        )

    # Starting and stopping.

    def launch(self) -> None:
        """Starts the server without waiting for it."""
        if self.is_running:
            raise ServerFailed(f"{self!r} is running already")
        self._is_frozen = False
        self._process = supervisor().start(
            [self.programs.path("postgres"), "-D", str(self.data_directory)],
            log=self._directory / f"{self.name}.log",
            cwd=self._directory,
        )

    def start(self) -> None:
        """Starts the server and waits until it accepts connections.

        Raises:
            ServerFailed: it ended or was not ready in time.
        """
        self.launch()
        self.wait_until_ready()

    def stop(self, mode: StopMode = "fast", timeout: float = TIMEOUT) -> None:
        """Shuts the server down as ``pg_ctl stop -m`` does; nothing when it is down.

        Raises:
            ServerFailed: it was still running after ``timeout`` seconds.
        """
        process = self._process
        if process is None or not process.is_running:
            return
        if self._is_frozen:
            self.sigcont()
        process.signal(STOP_SIGNALS[mode])
        if not process.wait(timeout):
            raise ServerFailed(f"{self!r} did not stop ({mode}) within {timeout:.0f} s")

    def restart(self, mode: StopMode = "fast") -> None:
        """Stops (where it runs) and starts the server at the same address."""
        self.stop(mode)
        self.start()

    def kill(self) -> None:
        """Ends every process of the server at once, without any goodbye."""
        if self._process is not None:
            self._process.kill()
        self._is_frozen = False

    def close(self) -> None:
        """Ends the server for good and gives its port back."""
        if self._process is not None and not self._is_frozen:
            self._process.signal(signal.SIGQUIT)  # lets it give its shared memory back
            self._process.wait(CLOSE_GRACE)
        self.kill()
        self._claim.release()

    def sigstop(self) -> None:
        """Freezes the server: connections stay open and new ones hang, nothing answers."""
        self.process.freeze()
        self._is_frozen = True

    def sigcont(self) -> None:
        """Lets a frozen server go on."""
        self.process.thaw()
        self._is_frozen = False

    # Replication.

    def pause_replay(self) -> None:
        """Makes a replica fall behind: it still receives, but applies nothing any more."""
        self.query("SELECT pg_wal_replay_pause()")
        self._wait_for(
            lambda: self.query_value("SELECT pg_get_wal_replay_pause_state()") == "paused",
            "paused its replay",
        )

    def resume_replay(self) -> None:
        """Lets a replica apply again what it received."""
        self.query("SELECT pg_wal_replay_resume()")

    def promote(self) -> None:
        """Makes a replica a primary; returns once it accepts writes."""
        if self.query_value(f"SELECT pg_promote(true, {TIMEOUT:.0f})") != "t":
            raise ServerFailed(f"{self!r} was not promoted within {TIMEOUT:.0f} s")
        self._wait_for(lambda: self.is_primary, "became a primary")

    def follow(self, upstream: "PostgresNode") -> None:
        """Makes a running replica stream from another primary from now on."""
        # ALTER SYSTEM cannot share an implicit transaction with another statement.
        self.query(f"ALTER SYSTEM SET primary_conninfo = {quoted(self._conninfo(upstream))}")
        self.query("SELECT pg_reload_conf()")

    def current_lsn(self) -> str:
        """The end of the WAL: written on a primary, replayed on a replica."""
        return self.query_value(
            "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()"
            " ELSE pg_current_wal_lsn() END"
        )

    def wait_until_replayed(self, lsn: str, timeout: float = TIMEOUT) -> None:
        """Waits until a replica has applied everything up to ``lsn``.

        Raises:
            ServerFailed: it had not after ``timeout`` seconds.
        """
        self._wait_for(
            lambda: self.query_value(f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'") == "t",
            f"replayed {lsn}",
            timeout,
        )

    # State and queries.

    @property
    def process(self) -> ServerProcess:
        """The running server.

        Raises:
            ServerFailed: it is not running.
        """
        if self._process is None or not self._process.is_running:
            raise ServerFailed(f"{self!r} is not running: start it first")
        return self._process

    @property
    def is_running(self) -> bool:
        """Whether the server's first process exists; a frozen server is running."""
        return self._process is not None and self._process.is_running

    @property
    def is_primary(self) -> bool:
        """Whether the server accepts writes now."""
        return self.query_value("SELECT pg_is_in_recovery()") == "f"

    def query(self, sql: str, dbname: str = "postgres") -> list[list[str]]:
        """Runs one SQL statement and returns its rows as text (psql; needs no driver).

        Raises:
            ServerFailed: the server refused it or cannot be reached.
        """
        printed = self.programs.run(
            "psql",
            *("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"),
            *("-F", FIELD, "-R", RECORD, "-d", self.dsn(dbname), "-c", sql),
        )
        records = printed.removesuffix("\n")
        return [record.split(FIELD) for record in records.split(RECORD)] if records else []

    def query_value(self, sql: str, dbname: str = "postgres") -> str:
        """The first value of the first row of a query.

        Raises:
            ServerFailed: the query failed or returned no row.
        """
        rows = self.query(sql, dbname)
        if not rows:
            raise ServerFailed(f"{self!r} returned no row for: {sql}")
        return rows[0][0]

    def wait_until_ready(self, timeout: float = TIMEOUT) -> None:
        """Waits until a launched server accepts connections.

        Raises:
            ServerFailed: it ended (the message holds its log) or took longer than ``timeout``.
        """
        self._wait_for(self._is_accepting, "was ready", timeout)

    def _is_accepting(self) -> bool:
        # What `pg_ctl --wait` reads: the last line of the lock file says "ready" once
        # connections are accepted, on a replica after it reached a consistent state.
        process = self._process
        if process is None or not process.is_running:
            log = process.log_tail() if process else "(never started)"
            raise ServerFailed(f"PostgreSQL {self.name} ended while starting:\n{log}")
        try:
            lines = (self.data_directory / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready"

    def _wait_for(self, condition: Callable[[], bool], what: str, timeout: float = TIMEOUT) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                log = self._process.log_tail() if self._process else ""
                raise ServerFailed(f"{self!r} had not {what} after {timeout:.0f} s:\n{log}")
            time.sleep(POLL_INTERVAL)

    def __repr__(self) -> str:
        state = "frozen" if self._is_frozen else "running" if self.is_running else "down"
        return f"<PostgresNode {self.name} {self.programs.version} {self.host}:{self.port} {state}>"


def quoted(value: str) -> str:
    """A value as a string literal of SQL and of postgresql.conf."""
    doubled = value.replace("'", "''")
    return f"'{doubled}'"
