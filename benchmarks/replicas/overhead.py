"""`replica-overhead`: what routing adds to a query, and how reads scale with replicas."""

from __future__ import annotations

from collections.abc import Callable

from ..results import Goal, Measurement
from ..scenario import Scenario
from .running import RUNNING, check_reads_replicas, contestants, start

THREADS = 8


def measure(target: str, seconds: float) -> Measurement:
    """One round: the price of a query; for twopass also reads a second from one node and two."""
    row = dict(RUNNING[target].ask(do="overhead", seconds=seconds))
    if ":twopass:" in target:
        two = RUNNING[target].ask(do="disk", seconds=seconds / 2, threads=THREADS)
        with start("twopass", replicas=1) as lone:
            one = RUNNING[lone].ask(do="disk", seconds=seconds / 2, threads=THREADS)
        row["one_node_reads_per_s"] = one["reads_per_s"]
        row["two_nodes_reads_per_s"] = two["reads_per_s"]
        row["scaling"] = two["reads_per_s"] / one["reads_per_s"]
    return row


def scenario() -> Scenario:
    """The scenario, as the harness runs it."""
    check: Callable[[str, str], None] = check_reads_replicas
    return Scenario(
        name="replica-overhead",
        what=(
            "What router and backend add to a query against Django's own backend (by turns, in"
            " one process), and reads a second from servers that do one read of 4 ms at a time"
        ),
        contestants=contestants(),
        measure=measure,
        check=check,
        goals=(
            Goal("processor time added to a query (µs)", "twopass", "added_us", at_most=20.0),
            Goal("reads from two replicas against one", "twopass", "scaling", at_least=1.8),
        ),
        seconds=4.0,
    )
