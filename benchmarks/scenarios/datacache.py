"""`datacache`: see benchmarks/datacache/reading.py."""

from ..datacache.reading import scenario

SCENARIO = scenario()
