"""Both paths say the same: thousands of requests of every kind, down both, bytes compared."""

from __future__ import annotations

import random
import re
import zlib
from collections import Counter
from typing import Any

import pytest
from bench import Bench, until
from lines import Line, Lines, parsed, request
from world import any_request, build, something_happens

from fragments.csrf import CSRF, unmask
from fragments.shell import NONCE, NonceHole, Shell
from origin import ScriptedOrigin, shell

ROUNDS = 150


KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"trusted_proxies": ("192.0.2.7",), "obey_requests": True},
    {"private_bytes": 400_000, "store_bytes": 400_000},
)
"""Edges: as they come, behind a proxy, and with room for a few things only."""


@pytest.mark.parametrize("seed", range(18))
async def test_any_request_gets_the_same_bytes(origin: ScriptedOrigin, seed: int) -> None:
    build(origin)
    async with Bench(origin, **KINDS[seed % len(KINDS)]) as bench:
        await _compare(bench, origin, Lines(bench), random.Random(seed))


async def _compare(
    bench: Bench, origin: ScriptedOrigin, lines: Lines, chance: random.Random
) -> None:
    tags: list[str] = []
    compared = 0
    fast_ones: Counter[str] = Counter()
    again: list[bytes] = []
    for _ in range(ROUNDS):
        made = again.pop() if again else any_request(chance, tags)
        for _ in range(3):  # until what can be held is held
            answer = await lines.slow().ask(made)
            await at_rest(bench)
        slow, slow_counts = await counted(bench, lines.slow(), made)
        found_before = lines.hits.found
        fast, fast_counts = await counted(bench, lines.fast(), made)
        if lines.hits.found > found_before:
            fast_ones.update(_kinds(made, fast))
        assert b" 500 " not in slow[:14], made
        if normal(slow) == normal(answer):  # else two of the same differ by themselves
            compared += 1
            assert normal(fast) == normal(slow), made
            assert fast_counts == slow_counts, made
        found = re.findall(r'etag: ((?:W/)?"[^"]*")', slow.decode("latin-1"))
        if found and made.endswith(b"\r\n\r\n") and chance.random() < 0.2:
            again.append(made[:-2] + f"If-None-Match: {found[0]}\r\n\r\n".encode())
        tags += found
        await something_happens(chance, bench, origin)

    assert compared > ROUNDS * 0.7
    # of 18 times 150 a thousand by the fast path as a rule, and of every kind some in each
    assert fast_ones["any"] > ROUNDS / 4, fast_ones
    assert {"plain", "gzip", "304", "HEAD", "held"} <= fast_ones.keys(), fast_ones


def _kinds(made: bytes, answer: bytes) -> set[str]:
    """What an answer of the fast path is an example of."""
    head = answer.partition(b"\r\n\r\n")[0]
    signs = {
        "any": True,
        "plain": b"content-encoding" not in head,
        "gzip": b"content-encoding: gzip" in head,
        "304": b" 304 " in head[:14],
        "HEAD": made.startswith(b"HEAD "),
        "held": re.search(rb'desc="[1-9]\d* held', head) is not None,
    }
    return {name for name, is_so in signs.items() if is_so}


PAGE_WITH_TOKEN = shell(b"<form>", CSRF, b"</form>")


def _told(name: str, *parts: bytes | NonceHole) -> Shell:
    fields = (("content-type", (b"text/html",)), (name, parts))
    return Shell(status=200, headers=fields, body=(b"page",), max_age=60.0)


@pytest.mark.parametrize(
    ("page", "fields"),
    [
        (PAGE_WITH_TOKEN, ["If-None-Match: *"]),
        (PAGE_WITH_TOKEN, ["If-None-Match: *", "Accept-Encoding: gzip"]),
        (PAGE_WITH_TOKEN, ["Cookie: csrftoken=" + "a" * 32, 'If-None-Match: "x", *']),
        (_told("x-odd", b"\x01"), []),
        (_told("x-odd", b"\x01", NONCE), []),
        (_told("x odd", b"value"), []),
        (_told("x-odd\r\nset-cookie", b"value"), []),
        (_told("x=odd", NONCE), []),
        (_told("x-odd", b"caf\xe9\ttab"), []),
    ],
)
async def test_what_is_rare_gets_the_same_bytes(
    bench: Bench, origin: ScriptedOrigin, lines: Lines, page: Shell, fields: list[str]
) -> None:
    origin.routes("^/it")
    origin.pages["/it"] = page
    made = request("/it", *fields)
    await lines.slow().ask(made)

    slow, slow_counts = await counted(bench, lines.slow(), made)
    fast, fast_counts = await counted(bench, lines.fast(), made)

    assert normal(fast) == normal(slow)
    assert fast_counts == slow_counts


async def counted(bench: Bench, line: Line, made: bytes) -> tuple[bytes, Any]:
    """What comes back, and what was counted meanwhile."""
    before = _counts(bench)
    answer = await line.ask(made)
    await at_rest(bench)
    after = _counts(bench)
    return answer, {key: round(after[key] - before.get(key, 0), 6) for key in after
                    if after[key] != before.get(key, 0)}  # fmt: skip


async def at_rest(bench: Bench) -> None:
    """Wait until nothing is done in the background."""
    await bench.settle()
    await until(lambda: not bench.edge.encoder.is_busy)


def _counts(bench: Bench) -> dict[tuple[str, ...], float]:
    tally = bench.edge.tally
    counters = (tally.requests, tally.responses, tally.fragments, tally.not_modified,
                tally.origin_requests, tally.epochs, tally.passes)  # fmt: skip
    found = {(c.name, *labels): n for c in counters for labels, n in c.values.items()}
    visits = {("visits", url): round(n, 6) for url, n in bench.edge.visits(limit=10_000)}
    return found | visits


def normal(answer: bytes) -> bytes:
    """Without what is new in every response: masks, nonces, secrets and epochs that were made."""
    text = re.sub(rb"[A-Za-z0-9]{64}", _unmasked, uncompressed(answer))
    for name in (rb"csrftoken=([^;\r]+)", rb"nonce[-=]([\w-]{22})", rb"twopass_epoch=([\w-]{22})",
                 rb"(?m)^set-cookie: ab=(\w)"):  # fmt: skip
        for value in set(re.findall(name, answer)):
            text = text.replace(value, b"*" * len(value)) if len(value) > 1 else text
    if b"set-cookie: csrftoken" in text:  # the tag covers the secret
        text = re.sub(rb'etag: W/"[^"]*"', b"etag: *", text)
    return text


def uncompressed(answer: bytes) -> bytes:
    """With the body of a gzipped page as it reads; its checksum covers the mask."""
    head, blank, body = answer.partition(b"\r\n\r\n")
    if not body or b"content-encoding: gzip" not in head:
        return answer
    return head + blank + zlib.decompress(parsed(answer)[0].body, wbits=31)


def _unmasked(match: re.Match[bytes]) -> bytes:
    secret = unmask(match[0].decode())
    assert secret is not None
    return secret.encode() * 2
