"""`rebuild`: see benchmarks/datacache/rebuilding.py."""

from ..datacache.rebuilding import scenario

SCENARIO = scenario()
