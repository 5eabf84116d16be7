"""A purge that is measured must have dropped what it was to drop, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.scenarios.purge import Purge, is_hit, require_purged

PURGE = Purge(lambda: None, "/shop/0/2", "/shop/1/2")
HIT = {"X-Varnish": "98307 32770"}
MISS = {"X-Varnish": "98307"}


@pytest.mark.parametrize(
    ("answer", "hit"),
    [
        ((200, b"", {"Cache-Status": "twopass; hit; ttl=9"}), True),
        ((200, b"", {"Cache-Status": "twopass;fwd=uri-miss;stored"}), False),
        ((200, b"", {"Cache-Status": "twopass;hit;ttl=0;detail=stale-while-revalidate"}), False),
        ((502, b"", {"Cache-Status": "twopass;fwd=uri-miss"}), False),
        ((200, b"", HIT), True),
        ((200, b"", MISS), False),
        ((200, b""), False),
    ],
)
def test_caches_say_what_came_out_of_them(shop: Any, answer: tuple[Any, ...], hit: bool) -> None:
    with shop(lambda path, cookie: answer) as base:
        assert is_hit(f"{base}/shop/0/2") is hit


@pytest.mark.parametrize(
    ("held", "is_done", "why"),
    [
        ({"/shop/0/2", "/shop/1/2"}, False, ""),
        ({"/shop/1/2"}, True, ""),
        ({"/shop/1/2"}, False, "not held before the purge"),
        ({"/shop/0/2", "/shop/1/2"}, True, "still held after the purge"),
        (set(), True, "/shop/1/2 is not held"),
    ],
)
def test_a_purge_without_its_effect_is_refused(
    shop: Any, held: set[str], is_done: bool, why: str
) -> None:
    with shop(lambda path, cookie: (200, b"", HIT if path in held else MISS)) as base:
        if not why:
            require_purged(base, PURGE, is_done=is_done)
            return
        with pytest.raises(RuntimeError, match=why):
            require_purged(base, PURGE, is_done=is_done)
