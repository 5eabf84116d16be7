"""Half an hour of visitors and purges: does anything grow, does anything slow down?"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from urllib.request import Request, urlopen

import uvloop

from ..contestants.storefront import OPEN, Open, behind_edge
from ..load.catalogue import Catalogue, explore
from ..load.core import on_load_core
from ..load.footprint import descriptors, memory_mib
from ..load.growth import Series, share_gained
from ..load.latency import Latencies
from ..load.open_loop import Crowd, run
from ..load.visits import plan
from ..results import Goal, Measurement
from ..scenario import Contestant, Scenario

RATE: Final = 20.0
PURGE_EACH: Final = 3
SAMPLE_EACH: Final = 10

_catalogues: dict[str, Catalogue] = {}
_series: dict[str, Mapping[str, Series]] = {}


@dataclass(slots=True)
class Diary:
    """Samples of a run: one line each ten seconds, and what was counted since the last."""

    target: str
    place: Open
    chance: random.Random
    lines: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    latencies: Latencies = field(default_factory=Latencies)
    pages: int = 0
    purges: int = 0
    failures: list[str] = field(default_factory=list)
    _sampled: float = 0.0
    _purged: float = 0.0

    def came(self, due: float, seconds: float) -> None:
        """Count a page."""
        self.pages += 1
        self.latencies.add(seconds)

    def failed(self, due: float, why: str) -> None:
        """Count a page that did not come."""
        self.failures.append(why)

    def each_second(self, now: float) -> None:
        """Purge and sample when it is time."""
        if now - self._purged >= PURGE_EACH:
            self._purged = now
            self._purge()
        if now - self._sampled >= SAMPLE_EACH:
            self._sampled = now
            self._sample(now)

    def _purge(self) -> None:
        kind = self.chance.choice(("groups", "groups", "prefixes", "soft"))
        number = self.chance.randint(1, 2000)
        asked: dict[str, object] = {"groups": [f"product:{number}"]}
        if kind == "prefixes":
            letter = self.chance.choice("abcdefghijklmnoprstuvw")
            asked = {"prefixes": [f"{self.target}/en/p/{letter}"]}
        elif kind == "soft":
            asked = {"groups": ["navigation"], "soft": True}
        request = Request(
            f"{self.place.admin}/purge",
            json.dumps(asked).encode(),
            {"Authorization": f"Bearer {self.place.token}", "Content-Type": "application/json"},
        )
        with urlopen(request, timeout=10) as answer:
            answer.read()
        self.purges += 1

    def _sample(self, now: float) -> None:
        latencies, self.latencies = self.latencies, Latencies()
        row = {
            "edge_memory_mib": memory_mib(self.place.edge_pid),
            "origin_memory_mib": memory_mib(self.place.origin_pid),
            "edge_descriptors": float(descriptors(self.place.edge_pid)),
        }
        if len(latencies):
            row |= {"p50_ms": latencies.percentile(50), "p99_ms": latencies.percentile(99)}
        for name, value in row.items():
            self.lines.setdefault(name, []).append((round(now, 1), value))


def _measure(target: str, seconds: float) -> Measurement:
    place = OPEN[target]
    diary = Diary(target, place, random.Random(4))
    visits = plan(RATE, seconds, _catalogues[target], random.Random(5))
    with on_load_core():
        crowd = Crowd(target, place.customers)
        run(crowd, visits, diary, seconds, diary.each_second)
    _series[target] = diary.lines
    if len(diary.failures) > diary.pages / 1000:
        raise RuntimeError(f"{len(diary.failures)} pages failed, the first: {diary.failures[0]}")
    row = {f"{name}_growth": share_gained(line) for name, line in diary.lines.items()}
    row |= {name: line[-1][1] for name, line in diary.lines.items()}
    row |= {"pages": float(diary.pages), "failed_pages": float(len(diary.failures))}
    return row | {"purges": float(diary.purges)}


def _check(_name: str, target: str) -> None:
    with on_load_core():
        _catalogues[target] = uvloop.run(explore(target, 2000))


def _flat(what: str, metric: str, at_most: float) -> Goal:
    told = f"{what}: the last quarter over the second, as a share of it"
    return Goal(told, "twopass", f"{metric}_growth", at_most=at_most)


SCENARIO = Scenario(
    name="soak",
    what=f"{RATE:g} pages a second of visitors of the storefront, a purge every {PURGE_EACH} "
    f"seconds, a sample every {SAMPLE_EACH}: memory, descriptors and latencies must stay flat.",
    contestants=(
        Contestant(
            "twopass",
            "edge with a sixteenth of its usual memory, so that it is full after a minute",
            partial(
                behind_edge,
                TWOPASS_STORE_BYTES=str(16 * 2**20),
                TWOPASS_PRIVATE_BYTES=str(4 * 2**20),
            ),
        ),
    ),
    measure=_measure,
    check=_check,
    series=lambda target: _series[target],
    goals=(
        _flat("memory of the edge", "edge_memory_mib", 0.05),
        _flat("memory of the origin", "origin_memory_mib", 0.05),
        _flat("descriptors of the edge", "edge_descriptors", 0.1),
        _flat("median latency", "p50_ms", 0.25),
        _flat("99th percentile", "p99_ms", 0.5),
        Goal("pages that failed", "twopass", "failed_pages", at_most=0),
    ),
    seconds=1800,
    rounds=1,
)
