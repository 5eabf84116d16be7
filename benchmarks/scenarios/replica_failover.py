"""`replica-failover`: see benchmarks/replicas/failover.py."""

from ..replicas.failover import scenario

SCENARIO = scenario()
