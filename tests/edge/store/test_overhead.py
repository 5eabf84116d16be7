"""What an object costs beside its own bytes, and whether the store says so: weighed by Python."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from random import Random

import pytest

from edge.core.messages import RequestHead, ResponseHead
from edge.core.policy import CachePolicy, assess
from edge.core.prepared import Expiry, prepare_fragment, prepare_shell
from edge.core.purge import Labels
from edge.core.ready import made_ready
from edge.core.shared import shared_fields
from edge.core.site import PageRecord
from edge.core.steps import Page
from edge.core.stored import prepare
from edge.settings import Settings
from edge.store.memory import Memory
from fragments.shell import FragmentHole, Part, Shell
from fragments.signing import Keyring

COUNT = 10_000
KEYRING = Keyring.parse("a-secret-that-edge-and-origin-share")
NOW = 1.7e9
Fill = Callable[[Memory, int], int]
"""Stores the object of that number; the bytes that are its own."""


def body_of(number: int) -> bytes:
    """Some 1,000 bytes that are no other object's."""
    return Random(number).randbytes(500).hex().encode()


def path_of(number: int) -> bytes:
    return b"/product/%d/a-name-of-a-product" % number


def fill_shell(memory: Memory, number: int) -> int:
    """A page as an origin sends it, all its texts fresh from the wire."""
    now, key, body = NOW + number / 1000, b"https://shop.test" + path_of(number), body_of(number)
    group = f"product:{number}"
    shell = Shell(
        200,
        (("content-type", (b"text/html; charset=utf-8",)),),
        (body,),
        max_age=600.0 + number % 7,
        groups=(group,),
        release="".join(["of", "to-day"]),
    )
    prepared = made_ready(prepare_shell(shell, key.decode(), now, encodings=("gzip",)), KEYRING)
    page = Page(key, path_of(number), key.decode(), PageRecord.of_shell(shell), ())
    assert memory.keep_shell(page, prepared, memory.position, now)
    memory.records.set(key, page.record)
    wires = sum(len(block.wire) for block in prepared.blocks or () if block is not None)
    return len(body) + wires + len(key) + len(group)


def fill_response(memory: Memory, number: int) -> int:
    """A plain response with a validator and a group of its own."""
    now, body = NOW + number / 1000, body_of(number)
    request = RequestHead(b"GET", b"https", b"shop.test", path_of(number), ())
    etag, group = b'"%d"' % number, b'"product:%d"' % number
    response = ResponseHead(
        200,
        [
            (b"content-type", bytes(bytearray(b"text/css"))),
            (b"cache-control", bytes(bytearray(b"max-age=600"))),
            (bytes(bytearray(b"etag")), etag),
            (bytes(bytearray(b"cache-groups")), group),
        ],
    )
    key = b"https://shop.test" + path_of(number)
    assessment = assess(request, response, now, now, CachePolicy())
    stored = prepare(request, key, assessment, body, key.decode())
    assert memory.keep_response(stored, memory.position, now)
    return len(body) + len(key) + len(etag) + 2 * len(group)


def fill_fragment(memory: Memory, number: int) -> int:
    """A private fragment; each visitor has four."""
    now, body = NOW + number / 1000, body_of(number)
    visitor = b"%032d" % (number // 4)
    labels = Labels("", (f"user:{number // 4}",))
    key = (b"token-of-an-include-%d" % (number % 4), visitor, b"")
    fragment = prepare_fragment((body,), labels, Expiry.starting(now, 60.0, 0.0, 30.0))
    assert memory.keep_fragment(key, visitor, fragment, memory.position, now)
    return len(body) + len(key[0]) + len(labels.groups[0])


def groups_of(number: int, shared_by: int) -> tuple[str, ...]:
    """Twenty groups that so many objects are in."""
    return tuple(f"product:{number // shared_by}:{group}" for group in range(20))


def shell_in_groups(shared_by: int, holes: int = 0) -> Fill:
    def fill(memory: Memory, number: int) -> int:
        now, key, body = (
            NOW + number / 1000,
            b"https://shop.test" + path_of(number),
            body_of(number),
        )
        parts: list[Part] = [body]
        for hole in range(holes):
            token = b"signed-include-%d-%d" % (number, hole)
            parts += (FragmentHole(token, placeholder=b"wait"), b"<p>%d of %d" % (hole, number))
        headers = (("content-type", (b"text/html",)),)
        shell = Shell(200, headers, tuple(parts), 600.0, groups=groups_of(number, shared_by))
        prepared = prepare_shell(shell, key.decode(), now, encodings=("gzip",))
        page = Page(key, path_of(number), key.decode(), PageRecord.of_shell(shell), ())
        assert memory.keep_shell(page, prepared, memory.position, now)
        return 0

    return fill


def fragment_in_groups(shared_by: int) -> Fill:
    def fill(memory: Memory, number: int) -> int:
        now, visitor = NOW + number / 1000, b"%032d" % number
        labels = Labels("", groups_of(number, shared_by))
        expiry = Expiry.starting(now, 60.0, 0.0, 30.0)
        fragment = prepare_fragment((body_of(number),), labels, expiry)
        key = (b"token-of-an-include", visitor, b"")
        assert memory.keep_fragment(key, visitor, fragment, memory.position, now)
        return 0

    return fill


@pytest.fixture
def memory() -> Iterator[Memory]:
    """A roomy one; what is bounded by number is so in the proportion that it has at a million."""
    made = Memory(Settings(origin="http://o", store_bytes=2**32, private_bytes=2**30))
    made.records.limit = made.shared_lately.limit = COUNT // 10
    yield made
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("fill", "allowed"),
    [
        pytest.param(fill_shell, 1024, id="shell"),
        pytest.param(fill_response, 1024, id="response"),
        pytest.param(fill_fragment, 1024, id="fragment"),
    ],
)
def test_it_costs_little_beside_its_bytes_and_is_counted_honestly(
    memory: Memory, fill: Fill, allowed: int
) -> None:
    for number in range(10**6, 10**6 + 50):  # whatever is made once
        fill(memory, number)
    shared_fields((b"x", b"%d" % number) for number in range(5000))  # as many as are remembered
    gc.collect()
    counted = sum(store.bytes for store in memory._stores)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    own = sum(fill(memory, number) for number in range(COUNT))
    gc.collect()
    used = tracemalloc.get_traced_memory()[0] - before
    counted = sum(store.bytes for store in memory._stores) - counted

    assert (used - own) / COUNT <= allowed
    assert used <= counted <= 1.15 * used


@pytest.mark.parametrize(
    "fill",
    [
        *(
            pytest.param(kind(shared_by), id=f"{name}-{shared_by}")
            for kind, name in ((shell_in_groups, "shell"), (fragment_in_groups, "fragment"))
            for shared_by in (1, 2, 5, 6, 22)
        ),
        pytest.param(shell_in_groups(1, holes=20), id="holes"),
    ],
)
def test_twenty_groups_and_holes_are_counted_too(memory: Memory, fill: Fill) -> None:
    """Whoever shares a group, its entries have never cost more than is counted for them."""
    for number in range(10**6, 10**6 + 50):
        fill(memory, number)
    gc.collect()
    counted = sum(store.bytes for store in memory._stores)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(2200):  # as many names as tables have just grown for
        fill(memory, number)
    gc.collect()
    used = tracemalloc.get_traced_memory()[0] - before
    counted = sum(store.bytes for store in memory._stores) - counted

    assert used <= counted <= 2 * used


def test_what_has_left_is_not_held_by_anything(memory: Memory) -> None:
    tracemalloc.start()
    for number in range(4000):
        fill_shell(memory, number)
        fill_response(memory, number)
    full = tracemalloc.get_traced_memory()[0]
    for store in memory._stores:
        for key, _ in list(store.items()):
            store.discard(key)  # type: ignore[arg-type]
    left = tracemalloc.get_traced_memory()[0]  # names and fields, remembered for the next ones

    assert sum(store.bytes for store in memory._stores) == 0
    assert left < full / 4
