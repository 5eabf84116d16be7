"""What the data caches count, on the page of metrics: `path("metrics", dbrouting.metrics.view)`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dbrouting.metrics import Labels, Metric, add_gauges

from . import stats
from .layers import get_levels

VALUES: Final = Metric(
    "twopass_datacache_values_total", "counter", "Values handed out, by the level that had them."
)
LOADS: Final = Metric(
    "twopass_datacache_loads_total", "counter", "Values that were loaded, by declaration."
)
LOAD_SECONDS: Final = Metric(
    "twopass_datacache_load_seconds_total", "counter", "Time in loaders, by declaration."
)
PREVENTED: Final = Metric(
    "twopass_datacache_stampedes_prevented_total",
    "counter",
    "Loads that were not made, since another was made already or a stale value was there.",
)
EVENTS: Final = Metric("twopass_datacache_events_total", "counter", "What else happened.")
READ_BYTES: Final = Metric("twopass_datacache_read_bytes_total", "counter", "Bytes read of Redis.")
WRITTEN_BYTES: Final = Metric(
    "twopass_datacache_written_bytes_total", "counter", "Bytes written to Redis."
)
EVICTIONS: Final = Metric(
    "twopass_datacache_evictions_total", "counter", "Values that made room in the process level."
)
HELD: Final = Metric("twopass_datacache_held_values", "gauge", "Values in the process level.")
HELD_BYTES: Final = Metric("twopass_datacache_held_bytes", "gauge", "Bytes of the process level.")

_OF_BYTES: Final = {"bytes_read": READ_BYTES, "bytes_written": WRITTEN_BYTES}


def connect() -> None:
    """Have them on the page. For `AppConfig.ready`."""
    add_gauges(samples)


def samples() -> Iterator[tuple[Metric, Labels, float]]:
    """All of this process."""
    counted = stats.snapshot()
    for level in stats.LEVELS:
        yield VALUES, (("level", level),), counted[f"hits_{level}"]
    for label, number, seconds in stats.loads():
        yield LOADS, (("declaration", label),), number
        yield LOAD_SECONDS, (("declaration", label),), seconds
    yield PREVENTED, (), counted["stampedes_prevented"]
    for event in stats.EVENTS:
        if event in _OF_BYTES:
            yield _OF_BYTES[event], (), counted[event]
        else:
            yield EVENTS, (("event", event),), counted[event]
    process = get_levels().process
    yield EVICTIONS, (), process.evictions
    yield HELD, (), len(process)
    yield HELD_BYTES, (), process.bytes
