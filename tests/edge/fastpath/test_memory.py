"""What visitors send does not grow in memory: measured, not counted by our own figures."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from bench import Bench, until
from lines import Lines, request

from fragments.csrf import CSRF
from fragments.shell import Part
from origin import Answer, ScriptedOrigin, shell

LIMIT = 1024 * 1024
"""Of private fragments; what the fast path remembers may take half of it."""

LONG = "z" * 15_000

Stream = Callable[[int], bytes]


@pytest.fixture
async def bench(origin: ScriptedOrigin) -> AsyncIterator[Bench]:
    origin.routes("^/whole", "^/form", "^/live")
    origin.pages["/whole"] = shell(b"whole")
    origin.pages["/form"] = shell(b"<form>", CSRF)
    origin.pages["/passed"] = Answer(200, [("content-type", "text/plain")], b"passed")
    settings: dict[str, Any] = {"private_bytes": LIMIT, "trusted_proxies": ("192.0.2.7",)}
    async with Bench(origin, store_bytes=LIMIT, **settings) as running:
        yield running


STREAMS: dict[str, Stream] = {
    "targets": lambda n: request(f"/whole?utm_source={n}{LONG}"),
    "targets of a form": lambda n: request(f"/form?utm_source={n}{LONG}"),
    "cookies": lambda n: request("/form", f"Cookie: x={n}{LONG}"),
    "cookies of a whole page": lambda n: request("/whole", f"Cookie: x={n}{LONG * 4}"),
    "cookies on what is passed": lambda n: request("/passed", f"Cookie: x={n}{LONG}"),
    "codings": lambda n: request("/whole", f"Accept-Encoding: {n}{LONG}"),
    "bypass cookies": lambda n: request("/whole", f"Cookie: preview={n}{LONG}"),
    "hosts that were told": lambda n: request("/whole", f"X-Forwarded-Host: {n}{LONG}, shop.test"),
}


class Measure:
    """Bytes that were taken and not given back."""

    def __enter__(self) -> Measure:
        gc.collect()
        tracemalloc.start()
        self._before = tracemalloc.get_traced_memory()[0]
        return self

    def __exit__(self, *_exc: object) -> None:
        gc.collect()
        self.grown = tracemalloc.get_traced_memory()[0] - self._before
        tracemalloc.stop()


@pytest.mark.parametrize("name", STREAMS)
async def test_no_stream_of_requests_fills_memory(
    bench: Bench, origin: ScriptedOrigin, lines: Lines, name: str
) -> None:
    line = lines.fast()
    for target in ("/whole", "/form"):
        await line.ask(request(target))

    with Measure() as measure:
        for number in range(200):
            await line.ask(STREAMS[name](number))
            origin.seen.clear()
        await bench.settle()

    assert measure.grown < LIMIT


@pytest.mark.parametrize("own", [(), (CSRF,)], ids=["whole", "form"])
@pytest.mark.parametrize(("coding", "asks"), [("identity", 2), ("gzip", 2), ("br", 2), ("br", 1)])
async def test_pages_that_the_store_let_go_of_are_not_kept_alive(
    bench: Bench,
    origin: ScriptedOrigin,
    lines: Lines,
    coding: str,
    asks: int,
    own: tuple[Part, ...],
) -> None:
    line = lines.fast()
    origin.pages["/whole"] = lambda seen: shell(seen.target.encode() * 5000, *own)

    with Measure() as measure:
        for number in range(150):
            for _ in range(asks):
                await line.ask(request(f"/whole?q={number}", f"Accept-Encoding: {coding}"))
            origin.seen.clear()
        await until(lambda: not bench.edge.encoder.is_busy)

    assert bench.edge.memory.shells.evictions > 0
    assert lines.hits.found == 150 * (asks - 1)
    assert measure.grown < 2 * LIMIT
