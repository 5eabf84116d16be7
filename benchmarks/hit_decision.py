"""What the pure decision on a hit costs: key, variant, freshness, conditions, status, age.

    python -m benchmarks.hit_decision

The budget is 5 µs. Rules and directives are read when a response is stored, so neither their number
nor the length of Cache-Control may show here.
"""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable

from edge.core import cache_status, validation, vary
from edge.core.key import primary_key
from edge.core.messages import Headers, RequestHead, ResponseHead
from edge.core.policy import CachePolicy, Reuse, assess, reuse
from edge.core.site import PageRecord
from edge.core.stored import prepare
from edge.settings import Settings
from edge.store.memory import Memory

BUDGET = 5e-6
"""Seconds for one decision."""

_NOW = 1_700_000_000.0
_HEADERS: Headers = (
    (b"host", b"shop.example"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) Firefox/125.0"),
    (b"accept", b"text/html,application/xhtml+xml"),
    (b"accept-language", b"de,en;q=0.5"),
    (b"accept-encoding", b"gzip, br"),
    (b"cookie", b"currency=EUR; theme=dark"),
)


def decision(size: int = 0) -> Callable[[], Reuse]:
    """A hit on a page that varies by encoding, with that many directives nobody knows, groups,
    and other pages and resources in memory.
    """
    unknown = b"".join(b", x-%d=%d" % (number, number) for number in range(size))
    groups = b", ".join(b'"group:%d"' % number for number in range(size))
    request = RequestHead(b"GET", b"https", b"shop.example", b"/product/42?ref=a", _HEADERS)
    response = ResponseHead(
        200,
        (
            (b"cache-control", b"max-age=600, stale-while-revalidate=60" + unknown),
            (b"etag", b'"42"'),
            (b"vary", b"Accept-Encoding"),
            (b"content-type", b"text/html"),
            (b"cache-groups", groups),
        ),
    )
    assessment = assess(request, response, _NOW, _NOW, CachePolicy())
    facts, now = assessment.facts, _NOW + 30
    memory = Memory(Settings(origin="http://origin"))
    for name in (b"42?ref=a", *(b"other-%d" % number for number in range(size))):
        key = primary_key(b"https", b"shop.example", b"/product/" + name)
        url = "https://shop.example/product/" + name.partition(b"?")[0].decode()
        full = vary.variant_key(key, facts.vary, _HEADERS)
        memory.keep_response(prepare(request, full, assessment, b"page", url), 0, _NOW)
        memory.records.set(b"https://shop.example/page/" + name, PageRecord())

    def decide() -> Reuse:
        key = primary_key(b"https", b"shop.example", b"/product/42?ref=a")
        memory.records.get(b"https://shop.example/product/42")
        stored = memory.responses.select(key, _HEADERS)
        assert stored is not None
        facts = stored.facts
        verdict = reuse(facts, now)
        validation.precondition(_HEADERS, facts, now)
        cache_status.hit(b"twopass", facts.ttl(now))
        facts.age(now)
        return verdict

    return decide


def seconds_per_decision(size: int = 0, *, rounds: int = 5, number: int = 20_000) -> float:
    """The best of several rounds: what the code costs, not what the machine was busy with."""
    decide = decision(size)
    assert decide() is Reuse.FRESH
    return (
        min(timeit.repeat(decide, timer=time.process_time, repeat=rounds, number=number)) / number
    )


def main() -> None:
    """Print the cost without and with a hundred of everything."""
    for size in (0, 100):
        cost, budget = seconds_per_decision(size) * 1e6, BUDGET * 1e6
        print(f"{size:3} further directives, groups, pages: {cost:.2f} µs (budget {budget:.0f})")


if __name__ == "__main__":
    main()
