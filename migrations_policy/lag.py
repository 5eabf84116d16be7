"""How far replicas are behind, asked of the primary (pg_stat_replication)."""

from __future__ import annotations

from typing import Any

# replay_lag is NULL on an idle primary whose standbys have replayed everything.
SQL = """
SELECT COALESCE(max(EXTRACT(epoch FROM replay_lag)) FILTER (
           WHERE replay_lsn IS DISTINCT FROM sent_lsn), 0)
FROM pg_stat_replication
"""


def replica_lag(connection: Any) -> float:
    """Return the seconds by which the slowest connected replica is behind; 0 without replicas."""
    with connection.cursor() as cursor:
        cursor.execute(SQL)
        return float(cursor.fetchone()[0])


def replica_count(connection: Any) -> int:
    """Return the number of streaming replicas."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")
        return int(cursor.fetchone()[0])
