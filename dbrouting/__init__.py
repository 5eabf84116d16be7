"""Django database routing over PostgreSQL replicas, with failover and read-your-writes."""

from .blocks import (
    first_pass_reads,
    fresh_as_of,
    primary_reads,
    replica_reads,
    unit_of_work,
)
from .deadline import query_deadline
from .lsn import format_lsn, parse_lsn
from .pinning import mark_written, pin_token
from .primary import current_lsn
from .units import untracked as untracked_writes

__all__ = [
    "current_lsn",
    "first_pass_reads",
    "format_lsn",
    "fresh_as_of",
    "mark_written",
    "parse_lsn",
    "pin_token",
    "primary_reads",
    "query_deadline",
    "replica_reads",
    "unit_of_work",
    "untracked_writes",
]
