"""Hits on one object among few and among very many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from ..contestants.filled_edge import FilledEdge, Kind, filled_edge, require_all_held
from ..contestants.objects import BLOCK
from ..load.wrk import wrk
from ..results import Goal, Measurement
from ..scenario import Contestant, Scenario

SIZES: Final = (1_000_000, 1_000, 10_000, 100_000)
PAGES: Final = (1_000_000, 1_000)

_RUNNING: Final[dict[str, FilledEdge]] = {}
"""Those that run, by their URL."""

_REQUESTS: Final = """
local block, count, zipf, host = {block}, {count}, {zipf}, ""
init = function(args)
  host = wrk.headers["Host"]
  math.randomseed(4711)
end
request = function()
  local number
  if zipf then
    -- rank r with a probability of about 1/r, hot ones far apart
    number = math.floor(count ^ math.random()) * 7919 % count
  else
    number = math.random(0, count - 1)
  end
  return string.format("GET /shop/%d/%d HTTP/1.1\\r\\nHost: %s\\r\\n\\r\\n",
    math.floor(number / block), number, host)
end
"""


@contextmanager
def _filled(count: int, kind: Kind) -> Iterator[str]:
    with filled_edge(count, kind) as running:
        _RUNNING[running.url] = running
        try:
            yield running.url
        finally:
            del _RUNNING[running.url]


def _measure(target: str, seconds: float) -> Measurement:
    running = _RUNNING[target]
    found: dict[str, float] = {}
    for choice, zipf in (("uniform", "false"), ("zipf", "true")):
        script = _REQUESTS.format(block=BLOCK, count=running.count, zipf=zipf)
        load = wrk(target, seconds, requests=script)
        names = ("requests_per_second", "p50_ms", "p99_ms", "max_ms")
        found |= {f"{choice}_{name}": load[name] for name in names}
    memory, count = running.memory, running.count
    return found | {
        "resident_mib": running.resident() / 2**20,
        "resident_bytes_per_object": (running.resident() - memory["before"]) / count,
        "counted_bytes_per_object": memory["counted"] / count,
        "fill_seconds": memory["seconds"],
    }


def _check(name: str, target: str) -> None:
    require_all_held(target, _RUNNING[target].count)


def _contestant(count: int) -> Contestant:
    name = "twopass" if count == max(SIZES) else f"twopass-{count}"
    what = f"edge, one process, {count:,} plain responses"
    return Contestant(name, what, partial(_filled, count, "responses"))


def _with_pages(count: int) -> Contestant:
    name = "twopass-pages" if count == max(PAGES) else f"twopass-pages-{count}"
    what = f"edge, one process, {count:,} pages of two passes"
    return Contestant(name, what, partial(_filled, count, "pages"))


SCENARIO = Scenario(
    name="scale",
    what=(
        "Hits on responses and on two-pass pages of 500 bytes, chosen evenly and by Zipf, "
        "among 1,000 to 1,000,000."
    ),
    contestants=(*map(_contestant, SIZES), *map(_with_pages, PAGES)),
    measure=_measure,
    check=_check,
    goals=(
        Goal(
            "1,000,000 objects against 1,000, chosen evenly: responses per second",
            "twopass", "uniform_requests_per_second", at_least=0.85, against=("twopass-1000",),
        ),
        Goal(
            "the same, chosen by Zipf",
            "twopass", "zipf_requests_per_second", at_least=0.85, against=("twopass-1000",),
        ),
        Goal(
            "1,000,000 two-pass pages against 1,000, chosen evenly: pages per second",
            "twopass-pages", "uniform_requests_per_second", at_least=0.85,
            against=("twopass-pages-1000",),
        ),
        Goal(
            "the same, chosen by Zipf",
            "twopass-pages", "zipf_requests_per_second", at_least=0.85,
            against=("twopass-pages-1000",),
        ),
    ),
    rounds=3,
)  # fmt: skip
