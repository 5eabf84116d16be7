"""`replica-overhead`: see benchmarks/replicas/overhead.py."""

from ..replicas.overhead import scenario

SCENARIO = scenario()
