"""What this process knows about the nodes, shared by its threads.

Decisions come from the pure modules; here is the lock, the clock, the log line and the rotation
that every query reads without a lock.
"""

import itertools
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from . import metrics
from .breaker import Breaker, State
from .conf import Settings
from .failures import Failure
from .fallback import FallbackLimit
from .lag import Lag, PrimaryHistory
from .lsn import format_lsn
from .nodes import Node
from .primary_health import PrimaryHealth
from .selection import Candidate, Rotation, Strategy, rotate

logger = logging.getLogger("dbrouting")


@dataclass(frozen=True, slots=True)
class Sample:
    """A node's answer to a probe. `incarnation` is when its postmaster started (epoch)."""

    is_replica: bool
    lsn: int
    incarnation: float
    own_lag_seconds: float | None = None
    timeline: int | None = None


@dataclass(slots=True)
class NodeState:
    """All that is known about one node."""

    node: Node
    breaker: Breaker = field(default_factory=Breaker)
    lag: Lag = field(default_factory=Lag)
    is_within_bounds: bool = True
    # It follows a primary that was replaced: its positions are those of another history.
    is_astray: bool = False
    is_replica: bool = True
    # A query fell silent on it: nobody else shall wait there before a probe has answered.
    is_suspect: bool = False
    replayed: int = 0
    incarnation: float = 0.0
    checked_at: float = float("-inf")
    last_failure: str = ""
    sampled_at: float | None = None

    def has_replayed(self, lsn: int, incarnation: float | None) -> bool:
        """Is it known to have replayed `lsn`?

        What was learned counts for one life of the server only: after a crash a replica may
        answer before it has replayed again what it had shown.
        """
        return self.replayed >= lsn and incarnation == self.incarnation

    def as_candidate(self) -> Candidate:
        """What selection sees."""
        return Candidate(
            name=self.node.name,
            weight=self.node.weight,
            zone=self.node.zone,
            lag_seconds=self.lag.seconds,
            is_closed=self.breaker.is_closed and not self.is_suspect,
            is_within_bounds=self.is_within_bounds and not self.is_astray,
            is_replica=self.is_replica,
            next_probe_at=self.breaker.next_probe_at,
        )


class Cluster:
    """The nodes behind one replica alias.

    `on_trip(name)` is called, outside the lock, when a node's breaker trips.
    """

    def __init__(self, alias: str, nodes: tuple[Node, ...], settings: Settings) -> None:
        self.alias = alias
        self.settings = settings
        # Watched by this process's monitor; False once forgotten, and in a forked child.
        self.is_watched = False
        self.limit = FallbackLimit(
            settings.fallback_concurrency, settings.fallback_rate, settings.fallback_wait
        )
        self.rotation = Rotation()
        self.primary_history = PrimaryHistory()
        self.primary_health = PrimaryHealth(settings.breaker_policy)
        # The newest timeline that a writable server showed; a link to an older one is to a
        # primary that was replaced.
        self.timeline = 0
        self.on_trip: list[Callable[[str], None]] = []
        self.on_suspicion: list[Callable[[str], None]] = []
        # Queries given up on for their deadline, by node: the monitor cancels them on a server
        # that is alive after all.
        self.abandoned: dict[str, list[int]] = {}
        self._turns = itertools.count(random.randrange(1000))  # noqa: S311 - spreads processes
        self._lock = threading.Lock()
        self._states: dict[str, NodeState] = {}
        self._counted: dict[str, metrics.Labels] = {}
        self._reported: dict[str, tuple[int, int]] = {}
        self.set_nodes(nodes)

    def __iter__(self) -> Iterator[NodeState]:
        return iter(list(self._states.values()))

    def __repr__(self) -> str:
        states = ", ".join(f"{s.node.name} {describe(s)}" for s in self)
        return f"<Cluster {self.alias}: {states or 'no nodes'}>"

    def state_of(self, name: str) -> NodeState | None:
        """What is known about a node; None once it left the list of hosts."""
        return self._states.get(name)

    def is_answering(self, name: str) -> bool:
        """Did the node answer its last probe, and not too long ago?"""
        state = self._states.get(name)
        if state is None or state.sampled_at is None or not state.breaker.is_closed:
            return False
        allowed = self.settings.probe_interval * 1.5 + self.settings.deadline
        return time.monotonic() - state.sampled_at <= allowed

    def abandon(self, name: str, pid: int) -> None:
        """Note a query of ours that a node may still be running."""
        with self._lock:
            self.abandoned.setdefault(name, []).append(pid)

    def take_abandoned(self, name: str) -> list[int]:
        """The queries to cancel on a node, once."""
        with self._lock:
            return self.abandoned.pop(name, [])

    def after_fork(self) -> None:
        """Begin anew in a child: the lock may have been held by a thread that it lacks."""
        self._lock = threading.Lock()
        self.primary_health.after_fork()
        self.on_suspicion.clear()
        self.is_watched = False

    def next_turn(self) -> int:
        """A number that grows with every read."""
        return next(self._turns)

    def set_nodes(self, nodes: tuple[Node, ...]) -> None:
        """Take the list of hosts; what is known about those that stay is kept."""
        with self._lock:
            before = self._states
            self._states = {node.name: before.get(node.name) or NodeState(node) for node in nodes}
            for node in nodes:
                self._states[node.name].node = node
            self._rotate()
        if before and before.keys() != self._states.keys():
            logger.info("hosts of %s are now %s", self.alias, ", ".join(self._states) or "none")

    def count_query(self, name: str) -> None:
        """Count a query that the node answered."""
        key = self._counted.get(name)
        if key is None:
            key = self._counted[name] = (("alias", self.alias), ("node", name))
        metrics.count_key(metrics.QUERIES, key)

    def succeeded(self, name: str) -> None:
        """A node answered."""
        state = self._states.get(name)
        if state is None or (state.breaker.is_closed and not state.breaker.failures):
            return  # every query comes by here
        self._step(state, lambda b, now: b.succeeded(self.settings.breaker_policy, now))

    def failed(self, name: str, failure: Failure, detail: str, *, is_probe: bool = False) -> None:
        """A node failed; trips its breaker when that is enough, and has it probed at once."""
        metrics.count(metrics.FAILURES, node=name, failure=failure.value)
        state = self._states.get(name)
        if state is None:
            return
        state.last_failure = f"{failure.value}: {detail}"
        if failure is Failure.SLOW:
            with self._lock:
                state.is_suspect = True
                self._rotate()
        if failure.is_counted:
            jitter = random.random()  # noqa: S311 - spreads probes, guards nothing
            policy = self.settings.breaker_policy
            self._step(
                state,
                lambda b, now: b.failed(policy, now, jitter, is_definitive=failure.is_definitive),
            )
        if not is_probe:
            for suspect in self.on_suspicion:
                suspect(name)

    def probe_is_due(self, name: str) -> bool:
        """Let an open breaker whose wait is over go half-open; True when a probe may run."""
        state = self._states.get(name)
        if state is None:
            return False
        self._step(state, lambda b, now: b.due(now))
        return state.breaker.state is not State.OPEN

    def sampled(self, name: str, sample: Sample) -> None:
        """Take a node's answer to a probe."""
        self.learn_position(name, sample.lsn, sample.incarnation)
        if not sample.is_replica:
            self.primary_sampled(name, sample)
        self._judge(name, sample)
        self.succeeded(name)

    def primary_sampled(self, name: str, sample: Sample) -> None:
        """Take the position of a writable server, unless a newer one replaced it."""
        timeline = sample.timeline or 0
        with self._lock:
            if timeline < self.timeline:
                self._report_replaced(name, timeline)
                return
            is_new = timeline > self.timeline > 0
            self.timeline = timeline
            self.primary_history.add(time.monotonic(), sample.lsn)
        if is_new:
            logger.warning("%s is the new primary, timeline %d", name, timeline)

    def _report_replaced(self, name: str, timeline: int) -> None:
        if self._reported.get(name) == (timeline, self.timeline):
            return  # said once, not at every probe
        self._reported[name] = (timeline, self.timeline)
        logger.error(
            "%s still takes writes on timeline %d although %d is current: stop it",
            name, timeline, self.timeline,
        )  # fmt: skip

    def learn_position(self, name: str, replayed: int, incarnation: float) -> None:
        """Remember what a node has replayed, and in which of its lives."""
        state = self._states.get(name)
        if state is None:
            return
        with self._lock:
            if incarnation != state.incarnation:
                state.incarnation, state.replayed = incarnation, replayed
            elif replayed > state.replayed:
                state.replayed = replayed
            state.checked_at = time.monotonic()

    def _judge(self, name: str, sample: Sample) -> None:
        """Measure the lag and decide on rotation."""
        state = self._states.get(name)
        if state is None:
            return
        with self._lock:
            now = time.monotonic()
            lag = self.primary_history.lag_of(sample.lsn, now)
            if lag is None:
                lag = Lag(seconds=sample.own_lag_seconds or 0.0)
            bounds = self.settings.lag_bounds
            was_in, was_replica = state.is_within_bounds, state.is_replica
            was_astray = state.is_astray
            state.lag, state.sampled_at = lag, now
            state.is_within_bounds = bounds.admits(lag, is_in=was_in)
            state.is_replica = sample.is_replica
            state.is_suspect = False
            state.is_astray = sample.is_replica and 0 < (sample.timeline or 0) < self.timeline
            self._rotate()
        if was_in != state.is_within_bounds:
            word = "is back in rotation" if state.is_within_bounds else "leaves rotation"
            logger.warning(
                "%s %s: %.1f s and %d bytes behind at %s", name, word,
                lag.seconds, lag.bytes_behind, format_lsn(sample.lsn),
            )  # fmt: skip
        if was_astray != state.is_astray:
            word = "follows a primary that was replaced" if state.is_astray else "follows again"
            logger.warning("%s %s", name, word)
        if was_replica != state.is_replica:
            word = "is a replica again" if state.is_replica else "was promoted, leaves rotation"
            logger.warning("%s %s", name, word)

    def _step(self, state: NodeState, event: Callable[[Breaker, float], Breaker]) -> None:
        with self._lock:
            before = state.breaker
            after = event(before, time.monotonic())
            if after is before:
                return
            state.breaker = after
            if after.state is State.OPEN and before.state is not State.OPEN:
                state.replayed, state.is_suspect = 0, False
            if after.state is not before.state:
                self._rotate()
        if after.state is not before.state:
            self._announce(state, before, after)

    def _announce(self, state: NodeState, before: Breaker, after: Breaker) -> None:
        name = state.node.name
        level = logging.WARNING if after.state is State.OPEN else logging.INFO
        logger.log(
            level, "%s: breaker %s → %s (%s)", name, before.state.value, after.state.value,
            state.last_failure or "probe",
            extra={"node": name, "breaker": after.state.value},
        )  # fmt: skip
        if after.state is State.OPEN:
            metrics.count(metrics.TRIPS, node=name)
            for notify in self.on_trip:
                notify(name)

    def _rotate(self) -> None:
        previous = self.rotation.cycle[0] if self.rotation.cycle else None
        self.rotation = rotate(
            [state.as_candidate() for state in self._states.values()],
            Strategy(self.settings.strategy),
            zone=self.settings.zone,
            previous=previous,
        )


def describe(state: NodeState) -> str:
    """A node's condition in a word or two."""
    if not state.breaker.is_closed:
        return state.breaker.state.value
    if state.is_suspect:
        return "suspect"
    if not state.is_replica:
        return "promoted"
    if state.is_astray:
        return "astray"
    return "in rotation" if state.is_within_bounds else "lagging"


def gauges(
    clusters: Callable[[], list[Cluster]],
) -> Iterator[tuple[metrics.Metric, metrics.Labels, float]]:
    """The state of all nodes, for the metrics page."""
    for cluster in clusters():
        for state in cluster:
            labels = (("alias", cluster.alias), ("node", state.node.name))
            is_in = state.node.name in cluster.rotation.members
            yield metrics.NODE_UP, labels, float(is_in)
            yield metrics.NODE_STATE, (*labels, ("state", state.breaker.state.value)), 1.0
            yield metrics.LAG_SECONDS, labels, state.lag.seconds
            yield metrics.LAG_BYTES, labels, float(state.lag.bytes_behind)
