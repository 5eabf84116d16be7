"""Visitors choose how long a key is: what is bounded stays so all the same."""

from __future__ import annotations

import tracemalloc

from edge.core.long_names import LONG as LONG_KEY
from edge.core.prepared import Expiry, prepare_fragment, prepare_shell
from edge.core.purge import Fence, Invalidation, Labels
from edge.core.site import PageRecord
from edge.core.steps import Page
from edge.settings import Settings
from edge.store.bounded import BoundedMap
from edge.store.memory import Memory
from fragments.shell import Shell

LONG = b"http://shop.test/?q=" + b"z" * 15_000


def test_a_long_key_takes_no_more_room_than_a_short_one() -> None:
    found: BoundedMap[bytes, int] = BoundedMap(1000)
    tracemalloc.start()
    try:
        for number in range(1000):
            found.set(LONG + b"%d" % number, number)
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert taken < 1000 * 4 * LONG_KEY
    assert [found.get(LONG + b"%d" % number) for number in range(1000)] == list(range(1000))
    found.discard(LONG + b"7")
    assert found.get(LONG + b"7") is None
    assert found.get(LONG) is None


def test_a_long_name_fences_as_a_short_one_does() -> None:
    """Unsafe requests put their own URLs here."""
    fence, name = Fence(), "uri:" + LONG.decode()
    tracemalloc.start()
    try:
        for number in range(1000):
            fence.advance(Invalidation(groups=(f"{name}{number}",)))
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert taken < 1000 * 4 * LONG_KEY
    assert not fence.may_store(Labels("", (f"{name}7",)), 7)
    assert fence.may_store(Labels("", (f"{name}7",)), 8)
    assert fence.may_store(Labels("", (f"{name}x",)), 7)


def test_stores_count_the_bytes_of_keys() -> None:
    memory = Memory(Settings(origin="http://origin.test"))
    shell = prepare_shell(Shell(200, (), (b"page",), 60.0), "http://shop.test/", 0.0)
    fragment = prepare_fragment((b"hello",), Labels("", ()), Expiry.starting(0.0, 60.0, 0.0, 0.0))
    page = Page(LONG, LONG, "http://shop.test/", PageRecord(), ())

    assert memory.keep_shell(page, shell, memory.position, 1.0)
    assert memory.keep_fragment((LONG, b"owner", LONG), b"ann", fragment, memory.position, 1.0)

    assert memory.shells.bytes >= len(LONG) + shell.size
    assert memory.private.bytes >= 2 * len(LONG) + fragment.size
