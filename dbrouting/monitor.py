"""Background probes: one daemon thread a node, so that a hung node delays no other's probe.

Probing measures lag and position, notices promotion and death without waiting for a visitor to
find out, and is what half-open breakers are probed by.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from .cluster import Cluster, Sample
from .deadline import Fuse, connect_within, new_fuse
from .failures import Facts, Failure, classify
from .nodes import Node, expand

logger = logging.getLogger("dbrouting")

# On a replica: what it has replayed; on a writable server: what it has flushed, and its timeline,
# which is the first third of a segment's name (manual, §30 "WAL Internals"). A replica's timeline
# is known while it streams, to users with pg_read_all_stats (or pg_monitor); else it is NULL.
SAMPLE_SQL = """
SELECT pg_is_in_recovery(),
       (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0')
             ELSE pg_current_wal_flush_lsn() END - '0/0')::bigint,
       extract(epoch FROM pg_postmaster_start_time())::float8,
       CASE WHEN pg_is_in_recovery() AND pg_last_wal_receive_lsn() <> pg_last_wal_replay_lsn()
            THEN extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8
            ELSE 0 END,
       CASE WHEN NOT pg_is_in_recovery()
            THEN ('x' || substr(pg_walfile_name(pg_current_wal_flush_lsn()), 1, 8))::bit(32)::int
            ELSE (SELECT received_tli FROM pg_stat_wal_receiver)
       END
"""


class Driver(Protocol):
    """What the monitor needs of the database driver."""

    def connect(self, node: Node) -> Any:
        """Open a connection in autocommit mode."""

    def facts(self, error: BaseException, connection: Any, *, is_connecting: bool) -> Facts | None:
        """What is known about an error; None for one that is not the driver's."""


class Prober:
    """Probes one node over a connection of its own."""

    def __init__(
        self,
        node: Node,
        cluster: Cluster,
        driver: Driver,
        *,
        is_primary: bool,
        is_candidate: bool,
    ) -> None:
        self.node = node
        # A host of the primary's alias only; or one of both lists.
        self.is_primary = is_primary
        self.is_candidate = is_candidate
        self._cluster = cluster
        self._driver = driver
        self._connection: Any = None
        self._fuse: Fuse | None = None
        self._wake = threading.Event()
        self._is_stopped = False
        self._thread = threading.Thread(
            target=self._run, name=f"dbrouting-probe-{node.name}", daemon=True
        )
        self._thread.start()

    def nudge(self) -> None:
        """Probe now."""
        self._wake.set()

    def stop(self) -> None:
        """End the thread after the probe in flight."""
        self._is_stopped = True
        self._wake.set()

    def _run(self) -> None:
        while not self._is_stopped:
            self._wake.clear()
            if self.is_primary or self._cluster.probe_is_due(self.node.name):
                self._probe()
            self._wake.wait(self._pause())
        self._disconnect()

    def _pause(self) -> float:
        interval = self._cluster.settings.probe_interval
        state = self._cluster.state_of(self.node.name)
        if state is None or state.breaker.is_closed:
            return interval
        # Half-open: the next of the probes that close it; open: when its wait is over.
        wait = state.breaker.next_probe_at - time.monotonic()
        return min(max(wait, 0.05), interval)

    def _probe(self) -> None:
        try:
            sample = self._sample()
        except Exception as error:  # noqa: BLE001 - a probe that raises is a probe that failed
            self._report(error)
            self._disconnect()
            return
        if not self.is_primary:
            self._cluster.sampled(self.node.name, sample)
        elif not sample.is_replica:
            self._cluster.primary_sampled(self.node.name, sample)
        if self.is_candidate:
            self._cluster.primary_health.host_probed(self.node.name, self._unfit(sample))

    def _unfit(self, sample: Sample) -> str:
        """Why a host of the primary's alias is not the primary now; empty if it is."""
        if sample.is_replica:
            return "it is a replica"
        is_old = (sample.timeline or 0) < self._cluster.timeline
        return "it was replaced by a newer primary" if is_old else ""

    def _sample(self) -> Sample:
        deadline = self._cluster.settings.deadline
        if self._connection is None:
            self._connect()
        assert self._fuse is not None
        self._fuse.light(deadline)
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(SAMPLE_SQL)
                sample = Sample(*cursor.fetchone())
                for pid in self._cluster.take_abandoned(self.node.name):
                    cursor.execute("SELECT pg_cancel_backend(%s)", [pid])
        finally:
            self._fuse.put_out()
        return sample

    def _connect(self) -> None:
        self._connection = connect_within(
            self._cluster.settings.connect_deadline,
            lambda: self._driver.connect(self.node),
            lambda connection: connection.close(),
        )
        self._fuse = new_fuse(self._connection.fileno())

    def _report(self, error: Exception) -> None:
        if self.is_candidate:
            self._cluster.primary_health.host_probed(self.node.name, " ".join(str(error).split()))
        if self.is_primary:
            logger.debug("%s, the primary's host, does not answer: %s", self.node.name, error)
            return
        self._cluster.failed(
            self.node.name, self._failure(error), " ".join(str(error).split()), is_probe=True
        )

    def _failure(self, error: Exception) -> Failure:
        if self._fuse is not None and self._fuse.is_blown:
            return Failure.HUNG
        facts = self._driver.facts(error, self._connection, is_connecting=self._connection is None)
        # It answers, but not this question or not to us: no node to send a visitor to.
        return (facts and classify(facts)) or Failure.UNUSABLE

    def _disconnect(self) -> None:
        if self._fuse is not None:
            self._fuse.close()
            self._fuse = None
        if self._connection is not None:
            try:
                self._connection.close()
            except Exception as error:  # noqa: BLE001 - it is thrown away either way
                logger.debug("closing the probe of %s: %s", self.node.name, error)
            self._connection = None


class Monitor:
    """The probers of a cluster and of its primary's hosts; follows the list of hosts."""

    def __init__(
        self,
        cluster: Cluster,
        driver: Driver,
        hosts: Callable[[], tuple[Node, ...]],
        primary_hosts: Callable[[], tuple[Node, ...]],
    ) -> None:
        self._cluster = cluster
        self._driver = driver
        self._hosts = hosts
        self._primary_hosts = primary_hosts
        self._lock = threading.Lock()
        self._probers: dict[str, Prober] = {}
        self._ended = threading.Event()
        self._is_running = False

    def start(self) -> None:
        """Start the threads unless they run; cheap to call often."""
        with self._lock:
            if self._is_running:
                return
            self._is_running = True
            self._ended = threading.Event()
            self._cluster.on_suspicion.append(self._suspect)
            self._cluster.is_watched = True
            self._follow_hosts(self._cluster_nodes())
            threading.Thread(
                target=self._resolve_again,
                args=(self._ended,),
                name=f"dbrouting-hosts-{self._cluster.alias}",
                daemon=True,
            ).start()

    def stop(self) -> None:
        """End all threads."""
        with self._lock:
            if not self._is_running:
                return
            self._is_running = False
            self._cluster.is_watched = False
            self._ended.set()
            self._cluster.on_suspicion.remove(self._suspect)
            for prober in self._probers.values():
                prober.stop()
            self._probers.clear()

    def after_fork(self) -> None:
        """A child has none of the threads; the next read starts its own."""
        self._lock = threading.Lock()
        self._probers = {}
        self._is_running = False

    def _suspect(self, name: str) -> None:
        prober = self._probers.get(name)
        if prober is not None:
            prober.nudge()

    def _cluster_nodes(self) -> tuple[Node, ...]:
        return tuple(state.node for state in self._cluster)

    def _resolve_again(self, ended: threading.Event) -> None:
        while not ended.wait(self._cluster.settings.resolve_interval):
            try:
                nodes = expand(self._hosts())
            except Exception:
                logger.exception("the list of hosts of %s cannot be read", self._cluster.alias)
                continue
            with self._lock:
                if ended.is_set():
                    return
                self._cluster.set_nodes(nodes)
                self._follow_hosts(nodes)

    def _follow_hosts(self, nodes: tuple[Node, ...]) -> None:
        wanted = {node.name: (node, False) for node in nodes}
        candidates = self._primary_hosts()
        for node in candidates:
            wanted.setdefault(node.name, (node, True))
        names = {node.name for node in candidates}
        for name in self._probers.keys() - wanted.keys():
            self._probers.pop(name).stop()
        for name, (node, is_primary) in wanted.items():
            if name not in self._probers:
                self._probers[name] = Prober(
                    node,
                    self._cluster,
                    self._driver,
                    is_primary=is_primary,
                    is_candidate=name in names,
                )
