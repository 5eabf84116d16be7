"""How far replicas are behind, asked of the primary (pg_stat_replication)."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Clients without replay (pg_receivewal, a base backup) have no replay_lsn. Roles without
# pg_read_all_stats see rows without a state.
SQL = """
SELECT (pg_current_wal_lsn() - '0/0')::bigint, (replay_lsn - '0/0')::bigint,
       EXTRACT(epoch FROM replay_lag)::float8, replay_lsn IS NOT DISTINCT FROM sent_lsn,
       state IS NULL
FROM pg_stat_replication
"""
SAMPLE_SECONDS = 0.1
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Sample:
    """What the primary had written at a time."""

    now: float
    written: int


class ReplicaLag:
    """Follows the replicas of a primary; one for each run.

    replay_lag is what a replica measured when it last applied something: while its replay stands
    still it says nothing new. So what the primary had written is remembered, with the time, and a
    replica that has not applied it yet is behind by at least that long.
    """

    def __init__(self, connection: Any, now: Callable[[], float] = time.monotonic) -> None:
        self.connection = connection
        self.is_hidden = False
        self._now = now
        self._samples: deque[Sample] = deque()

    def seconds(self) -> float:
        """Return the seconds by which the slowest replica is behind; 0 without replicas."""
        with self.connection.cursor() as cursor:
            cursor.execute(SQL)
            rows = cursor.fetchall()
        self.is_hidden = any(row[4] for row in rows)
        replicas = [row for row in rows if row[1] is not None]
        if not replicas:
            self._samples.clear()
            return 0.0
        now, slowest = self._now(), min(row[1] for row in replicas)
        while self._samples and self._samples[0].written <= slowest:
            self._samples.popleft()
        stalled = now - self._samples[0].now if self._samples else 0.0
        if replicas[0][0] > slowest:
            self._remember(Sample(now, replicas[0][0]))
        # An idle replica that has applied all keeps the last replay_lag it had.
        reported = max((row[2] or 0.0 for row in replicas if not row[3]), default=0.0)
        return max(stalled, float(reported))

    def _remember(self, sample: Sample) -> None:
        is_due = not self._samples or sample.now - self._samples[-1].now >= SAMPLE_SECONDS
        if is_due and (not self._samples or sample.written > self._samples[-1].written):
            self._samples.append(sample)

    def settle(self, limit: float, sleep: Callable[[float], None]) -> float:
        """Return the lag, after waiting for what is written now to be applied.

        Returns at once when the replicas have it, and at the latest when they are more than
        `limit` seconds behind: a first look alone cannot tell a replica that stands still from
        one that is a moment behind.
        """
        lag = self.seconds()
        target = self._samples[-1].written if self._samples else 0
        while lag <= limit and self._samples and self._samples[0].written <= target:
            sleep(POLL_SECONDS)
            lag = self.seconds()
        return lag


def replica_count(connection: Any) -> int:
    """Return the number of streaming replicas."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")
        return int(cursor.fetchone()[0])
