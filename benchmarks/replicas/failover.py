"""`replica-failover`: a replica is killed, then one hangs, under load; what does it cost?"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

from ..results import Goal, Measurement
from ..scenario import Scenario
from .running import RUNNING, Running, check_reads_replicas, contestants

THREADS = 4
Answers = Sequence[tuple[float, float, int]]


def measure(target: str, seconds: float) -> Measurement:
    """One round: kill and restart, then freeze and thaw the first replica."""
    running = RUNNING[target]
    node = running.cluster.replicas[0]
    row = _under_load(running, seconds, "killed", node.kill, node.start)
    running.cluster.wait_until_replayed()
    row |= _under_load(running, seconds, "hung", node.sigstop, node.sigcont)
    return row


def _under_load(
    running: Running,
    seconds: float,
    name: str,
    happen: Callable[[], None],
    mend: Callable[[], None],
) -> dict[str, float]:
    running.send(do="load", seconds=seconds, threads=THREADS)
    time.sleep(seconds / 3)
    broke_at = time.monotonic()  # one clock for all processes of a machine
    happen()
    time.sleep(seconds / 3)
    mended_at = time.monotonic()
    mend()
    return summary(name, running.answer()["queries"], broke_at, mended_at)


def summary(name: str, answers: Answers, broke_at: float, mended_at: float) -> dict[str, float]:
    """Milliseconds and counts: before, when it happened, after the first second, while broken."""
    before = [took for end, took, ok in answers if ok and end < broke_at]
    failing = [took for end, took, _ in answers if broke_at <= end and end - took < broke_at + 1]
    later = [
        took for end, took, ok in answers if ok and broke_at + 2 < end - took and end < mended_at
    ]
    usual = statistics.median(before)
    return {
        f"{name}_errors": float(sum(not ok for *_, ok in answers)),
        f"{name}_before_p50_ms": 1000 * usual,
        f"{name}_added_ms": 1000 * (max(failing, default=0.0) - usual),
        f"{name}_later_p50_ms": 1000 * statistics.median(later) if later else float("inf"),
        f"{name}_later_max_ms": 1000 * max(later, default=float("inf")),
        f"{name}_slow_per_worker": sum(took > 0.5 for _, took, _ in answers) / THREADS,
    }


def scenario() -> Scenario:
    """The scenario, as the harness runs it."""
    return Scenario(
        name="replica-failover",
        what=(
            f"Pages of five queries from {THREADS} threads while a replica is killed and"
            " restarted, then frozen and thawed"
        ),
        contestants=contestants(),
        measure=measure,
        check=check_reads_replicas,
        goals=(
            Goal("errors when a replica is killed", "twopass", "killed_errors", at_most=0.0),
            Goal("errors when a replica hangs", "twopass", "hung_errors", at_most=0.0),
            Goal(
                "added to a query in flight, killed (ms)",
                "twopass",
                "killed_added_ms",
                at_most=50.0,
            ),
            Goal(
                "added to a query in flight, hung (ms)", "twopass", "hung_added_ms", at_most=1100.0
            ),
            Goal("slow queries per worker, hung", "twopass", "hung_slow_per_worker", at_most=1.0),
        ),
        seconds=9.0,
        rounds=3,
    )
