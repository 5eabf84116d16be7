from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from edge.core.purge import Invalidation
from origin import counters, outbox, purge
from origin.outbox import Outbox, Sender
from origin.purge import Batch, Purge
from origin.purge_client import Refused, Unreachable, parse_edge, post_purge
from origin.receipts import (
    Receipt,
    Receipts,
    await_receipts,
    collect_receipts,
    wait_for_receipts,
)

from .fake_edge import FakeEdge

LONG = 30.0


@pytest.fixture
def edge() -> Iterator[FakeEdge]:
    found = FakeEdge()
    found.start()
    yield found
    found.gate.set()
    found.stop()


@pytest.fixture
def second_edge() -> Iterator[FakeEdge]:
    found = FakeEdge()
    found.start()
    yield found
    found.gate.set()
    found.stop()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LONGEST_PAUSE", 0.05)
    counters.reset()


@pytest.fixture(autouse=True)
def senders(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End the threads that a test started."""
    made: list[Sender] = []

    class Tracked(Sender):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(self)

    monkeypatch.setattr(outbox, "Sender", Tracked)
    yield
    for sender in made:
        sender.close()
        if sender._thread is not None:
            sender._thread.join(LONG)
            assert not sender._thread.is_alive()


@pytest.fixture
def box(edge: FakeEdge) -> Iterator[Outbox]:
    with override_settings(TWOPASS={"EDGES": [edge.url], "ADMIN_TOKEN": "t0ken"}):
        yield Outbox()


def test_a_purge_reaches_the_edge(box, edge):
    receipt = box.offer(Purge(groups=("a",), urls=("https://x/",), lsn="0/16B3748"))

    assert receipt.wait(LONG)
    assert edge.purges == [
        {
            "urls": ["https://x/"],
            "groups": ["a"],
            "prefixes": [],
            "all": False,
            "soft": False,
            "lsn": "0/16B3748",
            "wait": 1.0,
        }
    ]
    assert edge.tokens == ["Bearer t0ken"]
    assert counters.read("purge_sent") == {("purge_sent", edge.url): 1}


def test_an_edge_is_asked_to_hold_its_answer_no_longer_than_it_may(edge):
    patient = {"EDGES": [edge.url], "ADMIN_TOKEN": "t", "PURGE_WAIT": 600, "PURGE_TIMEOUT": 600}
    with override_settings(TWOPASS=patient):
        assert Outbox().offer(Purge(groups=("a",))).wait(LONG)

    assert edge.purges[0]["wait"] == 60.0


def test_every_edge_gets_it_and_the_receipt_waits_for_all(edge, second_edge):
    second_edge.gate.clear()
    settings = {"EDGES": [edge.url, second_edge.url], "ADMIN_TOKEN": "t", "PURGE_TIMEOUT": LONG}
    with override_settings(TWOPASS=settings):
        receipt = Outbox().offer(Purge(groups=("a",)))

        edge.wait_for(1)
        assert not receipt.wait(0.01)
        second_edge.gate.set()
        assert receipt.wait(LONG)


def test_what_comes_while_one_is_on_its_way_goes_together(edge):
    edge.gate.clear()
    settings = {"EDGES": [edge.url], "ADMIN_TOKEN": "t", "PURGE_TIMEOUT": LONG}
    with override_settings(TWOPASS=settings):
        box = Outbox()
        first = box.offer(Purge(groups=("first",)))
        while box._senders[edge.url]._waiting:  # until the thread has taken it
            time.sleep(0.001)
        rest = [box.offer(Purge(groups=(f"g{n % 10}",), lsn=f"0/{n:X}")) for n in range(100)]
        soft = box.offer(Purge(groups=("s",), soft=True))
        edge.gate.set()

        assert all(receipt.wait(LONG) for receipt in (first, *rest, soft))
    assert [item["groups"] for item in edge.purges] == [
        ["first"],
        [f"g{n}" for n in range(10)],
        ["s"],
    ]
    assert edge.purges[1]["lsn"] == "0/63"
    assert [item["soft"] for item in edge.purges] == [False, False, True]


def test_an_edge_that_is_away_blocks_nobody_and_gets_all_when_it_is_back(box, edge):
    edge.stop()

    assert box.offer(Purge(groups=("a",))).wait(LONG)
    while not box._senders[edge.url]._failures:
        time.sleep(0.001)
    # once it is known to be away nobody waits at all
    assert box.offer(Purge(groups=("b",))).is_done
    edge.start()
    edge.wait_for(1)
    assert box.flush(LONG)
    assert edge.groups == {"a", "b"}
    assert counters.read("purge_failed")


def test_an_edge_in_trouble_is_asked_again(box, edge):
    edge.answers = [503, 500, 429]
    box.offer(Purge(groups=("a",)))

    assert edge.wait_for(1)[0]["groups"] == ["a"]
    assert counters.read("purge_failed")["purge_failed", edge.url] == 3


def test_names_that_the_edge_refuses_become_everything(box, edge, caplog):
    edge.answers = [400]
    with caplog.at_level(logging.ERROR, "twopass.outbox"):
        box.offer(Purge(groups=("a",)))
        (found,) = edge.wait_for(1)

    assert found["all"] is True
    assert "purging everything instead" in caplog.text


def test_a_wrong_token_is_said_and_kept_trying(box, edge, caplog):
    edge.answers = [401, 403]
    with caplog.at_level(logging.ERROR, "twopass.outbox"):
        receipt = box.offer(Purge(groups=("a",)))
        assert receipt.wait(LONG)
        assert edge.wait_for(1)[0]["groups"] == ["a"]

    assert "TWOPASS_ADMIN_TOKEN" in caplog.text


def test_too_many_names_become_everything(monkeypatch, caplog):
    monkeypatch.setattr(purge, "MAX_NAMES", 3)
    sent: list[Batch] = []
    sender = Sender("e", sent.append)
    with caplog.at_level(logging.ERROR, "twopass.outbox"):
        receipt = Receipt(1)
        sender.offer(Purge(groups=("a", "b", "c", "d")), receipt)
        assert receipt.wait(LONG)

    assert [batch.everything for batch in sent] == [True]
    assert "too many names" in caplog.text
    assert counters.read("purge_overflow") == {("purge_overflow", "e"): 1}


def test_no_mistake_ends_the_thread(caplog):
    calls: list[Batch] = []

    def send(batch: Batch) -> None:
        calls.append(batch)
        if len(calls) == 1:
            raise ZeroDivisionError

    sender = outbox.Sender("e", send)
    with caplog.at_level(logging.ERROR, "twopass.outbox"):
        sender.offer(Purge(groups=("a",)), Receipt(1))
        while len(calls) < 2:
            time.sleep(0.001)

    assert sender.flush(LONG)
    assert "ZeroDivisionError" in caplog.text


def test_pauses_grow_and_are_bounded_with_jitter(monkeypatch):
    monkeypatch.setattr(outbox, "LONGEST_PAUSE", 30.0)
    sender = Sender("e", lambda batch: None, uniform=lambda low, high: high)
    pauses = []
    for sender._failures in range(1, 12):
        pauses.append(sender._pause())

    assert pauses[:4] == [0.4, 0.8, 1.6, 3.2]
    assert pauses[-1] == 30.0
    assert Sender("e", lambda batch: None)._uniform(0, 1) != 1


def test_without_edges_it_is_done_at_once():
    with override_settings(TWOPASS={"EDGES": []}):
        assert Outbox().offer(Purge(groups=("a",))).is_done


def test_a_sender_says_how_it_is():
    assert repr(Sender("http://e", lambda batch: None)) == (
        "<Sender to http://e: 0 names waiting, well>"
    )
    assert repr(Receipt(2)) == "<Receipt: 2 edges to come>"
    assert repr(Receipt(0)) == "<Receipt done>"


# --- receipts


def test_a_request_waits_for_what_it_purged(box, edge):
    with collect_receipts() as receipts:
        box.offer(Purge(groups=("a",)))
        assert wait_for_receipts(LONG)

    assert edge.groups == {"a"}
    assert [receipt.is_done for receipt in receipts.found] == [True]


def test_waiting_is_bounded(edge):
    edge.gate.clear()
    with override_settings(TWOPASS={"EDGES": [edge.url], "ADMIN_TOKEN": "t", "PURGE_WAIT": 0.05}):
        with collect_receipts():
            Outbox().offer(Purge(groups=("a",)))
            assert not wait_for_receipts()
        with collect_receipts() as other:
            assert wait_for_receipts(LONG)
        assert other.found == []
    assert wait_for_receipts()


def test_an_outer_collection_gets_the_inner_ones(box):
    with collect_receipts() as outer:
        with collect_receipts():
            box.offer(Purge(groups=("a",)))
        assert len(outer.found) == 1


async def test_waiting_does_not_block_the_loop(box, edge):
    import asyncio

    edge.gate.clear()
    with collect_receipts():
        box.offer(Purge(groups=("a",)))
        waiting = asyncio.ensure_future(await_receipts(LONG))
        await asyncio.sleep(0)
        assert not waiting.done()
        edge.gate.set()
        assert await waiting
    assert await await_receipts()


def test_receipts_share_one_deadline():
    receipts = Receipts([Receipt(1), Receipt(1), Receipt(0)])

    assert receipts.wait(0.0) is False


# --- the client


@pytest.mark.parametrize(
    "address", ["127.0.0.1:9000", "ftp://edge:9000", "http://", "http://e:99999", "http://e/?x=1"]
)
def test_an_address_that_is_none(address):
    with pytest.raises(ValueError):
        parse_edge(address)


def test_answers_are_told_apart(edge):
    edge.answers = [202, 500, 403, 413]
    document = Batch().to_json(0)
    post_purge(edge.url + "/", "t", document, LONG)
    with pytest.raises(Unreachable, match="500"):
        post_purge(edge.url, "t", document, LONG)
    with pytest.raises(Refused) as token:
        post_purge(edge.url, "t", document, LONG)
    with pytest.raises(Refused) as size:
        post_purge(edge.url, "t", document, LONG)

    assert (token.value.is_about_names, size.value.is_about_names) == (False, True)
    with pytest.raises(Unreachable, match="404"):
        post_purge(edge.url + "/elsewhere", "t", document, LONG)


def test_nobody_there_is_unreachable():
    with pytest.raises(Unreachable):
        post_purge(FakeEdge().url, "t", {}, 1.0)


# --- processes

SCRIPT = """
import os, sys
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="x", DATABASES={}, TWOPASS={"EDGES": [sys.argv[1]], "ADMIN_TOKEN": "t"},
)
django.setup()
from origin.outbox import get_outbox
from origin.purge import Purge
get_outbox().offer(Purge(groups=("parent",)))
"""


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_a_process_that_ends_sends_its_last_purges(edge):
    result = run(SCRIPT, edge.url)

    assert result.returncode == 0, result.stderr
    assert edge.groups == {"parent"}


def test_a_process_that_ends_without_its_edge_says_what_to_run():
    result = run(SCRIPT, FakeEdge().url)

    assert result.returncode == 0
    assert "run `twopass purge" in result.stderr


def test_a_forked_child_has_an_outbox_of_its_own(edge):
    fork = """
    child = os.fork()
    get_outbox().offer(Purge(groups=("child" if child == 0 else "again",)))
    if child == 0:
        sys.exit(0)
    os.waitpid(child, 0)
    """
    result = run(SCRIPT + textwrap.dedent(fork), edge.url)

    assert result.returncode == 0, result.stderr
    assert edge.groups == {"parent", "child", "again"}
    sent = [name for item in edge.purges for name in item["groups"]]
    assert sorted(sent) == ["again", "child", "parent"]


def test_the_edge_reads_what_is_sent():
    batch = Batch()
    batch.add(Purge(("https://x/a",), ("g",), ("https://x/p/",), lsn="0/1"))
    everything = Batch(soft=True)
    everything.add(Purge(everything=True))

    found = Invalidation.from_json(json.loads(json.dumps(batch.to_json(0.5))))
    assert found == Invalidation(("https://x/a",), ("g",), ("https://x/p/",), lsn="0/1")
    assert Invalidation.from_json(everything.to_json(0)).everything
