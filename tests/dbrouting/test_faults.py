"""Every way a node can fail, under load: no error may reach the caller."""

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connections

from dbrouting import metrics
from tests.dbrouting.load import SHORT, Load, Outcome, read, read_anew
from tests.dbrouting.servers import Shop, ask, point_at, wait_until
from tests.dbrouting.settings import DRIVER
from tests.dbrouting.shop.models import Product

LONG = 50_000
LONG_MARKS = [pytest.mark.full, pytest.mark.timeout(900)]
FORMS = [
    pytest.param("both", SHORT, id="short"),
    pytest.param("threads", LONG, id="threads", marks=LONG_MARKS),
    pytest.param("async", LONG, id="async", marks=LONG_MARKS),
]


def slow_read(number: int) -> None:
    """A read that is running when something happens to its server."""
    with connections["replica"].cursor() as cursor:
        cursor.execute("SELECT name, pg_sleep(0.004) FROM shop_product LIMIT 1")
        assert cursor.fetchone()


class Fault:
    """What is done to the first replica, and how it is undone; what the cluster must notice."""

    def __init__(
        self,
        happen: Callable[[Shop], object],
        mend: Callable[[Shop], object] = lambda shop: shop.mend(),
        query: Callable[[int], None] = read,
        noticed: tuple[str, ...] = (),
        *,
        waits: bool = True,
    ) -> None:
        self.happen, self.mend, self.query, self.noticed = happen, mend, query, noticed
        self.waits = waits

    def times_noticed(self) -> float:
        return sum(metrics.value(metrics.FAILURES, failure=kind) for kind in self.noticed)


class Taker(threading.Thread):
    """Takes every connection that a replica has, and whichever is given back later."""

    def __init__(self, dsn: str) -> None:
        super().__init__()
        self.is_full, self._is_over = threading.Event(), threading.Event()
        self._dsn = dsn

    def run(self) -> None:
        driver, taken = connections["default"].Database, []
        try:
            while not self._is_over.is_set():
                try:
                    taken.append(driver.connect(self._dsn, connect_timeout=5))
                except driver.OperationalError:
                    self.is_full.set()
                    time.sleep(0.001)
        finally:
            for connection in taken:
                connection.close()

    def end(self) -> None:
        self._is_over.set()
        self.join()


def fill_up(shop: Shop) -> None:
    """Leave no connection to anybody else, not even one's own of a moment ago."""
    shop.taker = Taker(shop.replicas[0].dsn("shop"))
    shop.taker.start()
    assert shop.taker.is_full.wait(20)


def free(shop: Shop) -> None:
    shop.taker.end()


def conflict(shop: Shop) -> None:
    """Have replay cancel queries at once, and give it reasons until one was."""
    shop.replicas[0].query("ALTER SYSTEM SET max_standby_streaming_delay = 0")
    shop.replicas[0].query("SELECT pg_reload_conf()")
    before = metrics.value(metrics.FAILURES, failure="recovery-conflict")
    for _ in range(300):
        ask(shop.primary, "BEGIN; LOCK TABLE shop_product; COMMIT", "shop")
        if metrics.value(metrics.FAILURES, failure="recovery-conflict") > before + 5:
            return


def no_more_conflicts(shop: Shop) -> None:
    shop.replicas[0].query("ALTER SYSTEM RESET max_standby_streaming_delay")
    shop.replicas[0].query("SELECT pg_reload_conf()")


def kill_backends(shop: Shop) -> None:
    shop.replicas[0].query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )


def crash_and_start(shop: Shop) -> None:
    """The server ends without a goodbye and is starting up while everyone knocks."""
    shop.replicas[0].kill()
    shop.replicas[0].start()


GONE = ("broken", "refused", "shutting-down")
SILENT = ("hung", "slow", "timed-out")
FAULTS = {
    "killed": Fault(lambda shop: shop.replicas[0].kill(), noticed=GONE),
    "killed-mid-query": Fault(lambda shop: shop.replicas[0].kill(), query=slow_read, noticed=GONE),
    "backends-killed": Fault(kill_backends, query=slow_read, noticed=("broken",)),
    "fast-shutdown": Fault(lambda shop: shop.replicas[0].stop("fast"), noticed=GONE),
    "immediate-shutdown": Fault(
        lambda shop: shop.replicas[0].stop("immediate"),
        noticed=GONE,
    ),
    "refused": Fault(
        lambda shop: shop.replicas[0].stop("fast"), query=read_anew, noticed=("refused",)
    ),
    "starting-up": Fault(crash_and_start, query=read_anew, noticed=(*GONE, "starting")),
    "hung": Fault(lambda shop: shop.replicas[0].sigstop(), noticed=SILENT),
    "connecting-hangs": Fault(
        lambda shop: shop.replicas[0].sigstop(), query=read_anew, noticed=("timed-out",)
    ),
    "too-many-clients": Fault(fill_up, free, query=read_anew, noticed=("too-many-clients",)),
    "recovery-conflict": Fault(
        conflict, no_more_conflicts, query=slow_read, noticed=("recovery-conflict",), waits=False
    ),
    "replay-paused": Fault(lambda shop: shop.replicas[0].pause_replay()),
    "both-killed": Fault(
        lambda shop: [node.kill() for node in shop.replicas], noticed=("refused",)
    ),
    "both-hung": Fault(
        lambda shop: [node.sigstop() for node in shop.replicas],
        noticed=SILENT,
    ),
}


def run(shop: Shop, fault: Fault, total: int, mode: str) -> Outcome:
    noticed_before = fault.times_noticed()

    def mend() -> None:
        """Not before it was met: who trips over a fault's beginning leaves the rest to a probe."""
        try:
            wait_until(lambda: not fault.noticed or fault.times_noticed() > noticed_before)
        finally:
            fault.mend(shop)

    load = Load(fault.query, total, lambda: fault.happen(shop), mend, waits=fault.waits)
    return {"threads": load.from_threads, "async": load.from_async, "both": load.from_both}[mode]()


def record(name: str, mode: str, outcome: Outcome) -> None:
    """Keep the figures of a run when asked to (docs/dbrouting.md)."""
    if path := os.environ.get("DBROUTING_FIGURES"):
        line = {"driver": DRIVER, "fault": name, "mode": mode, **outcome.summary()}
        with Path(path).open("a") as file:
            file.write(json.dumps(line) + "\n")


@pytest.mark.parametrize(("mode", "total"), FORMS)
@pytest.mark.parametrize("name", FAULTS)
def test_no_error_reaches_the_caller(shop, name, mode, total):
    shop.stock_up()

    outcome = run(shop, FAULTS[name], total, mode)

    record(name, mode, outcome)
    assert outcome.errors == []
    assert outcome.total == total


@pytest.mark.parametrize(("mode", "total"), FORMS)
def test_a_promotion_costs_no_read(fresh_shop, mode, total):
    fresh_shop.stock_up()
    promoted = Fault(lambda shop: shop.replicas[0].promote(), lambda shop: None)

    outcome = run(fresh_shop, promoted, total, mode)

    record("promoted", mode, outcome)
    assert outcome.errors == []


def test_a_name_that_is_gone_costs_no_read(shop, dbrouting_settings):
    shop.stock_up()
    node = shop.replicas[1]
    connections.settings["replica"]["REPLICAS"] = ["gone.invalid:5432", f"{node.host}:{node.port}"]
    dbrouting_settings(CONNECT_DEADLINE=0.5)

    outcome = run(shop, Fault(lambda shop: None, query=read_anew), SHORT, "both")

    assert outcome.errors == []
    state = connections["replica"].cluster.state_of("gone.invalid:5432")
    assert state.last_failure.startswith(("no-such-host", "timed-out"))
    point_at(shop.cluster)


def test_the_load_would_notice_an_error(shop):
    """Django's own backend, pointed at the replica, fails under the same load."""
    shop.stock_up()
    replica = shop.replicas[0]
    connections.settings["plain"] = {
        **connections.settings["default"],
        "HOST": replica.host,
        "PORT": str(replica.port),
        "OPTIONS": {},
    }

    def plain_read(number: int) -> None:
        Product.objects.using("plain").filter(stock=number % 10).first()

    try:
        outcome = run(shop, Fault(lambda shop: replica.kill(), query=plain_read), SHORT, "both")
    finally:
        del connections.settings["plain"]

    assert len(outcome.errors) > 0
