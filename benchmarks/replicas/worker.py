"""The measured process: one Django with one way of routing, told what to do over stdin.

One JSON object a line: first {"peer", "addresses"}, then commands; one JSON line answers each.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from .peers import PEERS, Addresses

QUERIES_PER_PAGE = 5
BATCH = 100


class ToReplica:
    """The router of Django's documentation."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        """All reads to the replica alias."""
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        """All writes to the primary."""
        return "default"


def configure(peer: str, addresses: Addresses) -> None:
    """Set Django up with the peer's settings."""
    import django
    from django.conf import settings

    settings.configure(SECRET_KEY="bench", USE_TZ=True, **PEERS[peer][0](addresses))
    django.setup()


def product_model() -> Any:
    """The model all read."""
    from django.db import models

    class Product(models.Model):
        name = models.CharField(max_length=50)
        stock = models.IntegerField(default=0)

        class Meta:
            app_label = "replicas"
            db_table = "replicas_product"

        def __str__(self) -> str:
            return self.name

    return Product


class Worker:
    """Carries out the commands."""

    def __init__(self) -> None:
        self._product = product_model()

    def overhead(self, seconds: float) -> dict[str, float]:
        """Routed against plain queries to the same kind of server, in small batches by turns.

        `added_us` is processor time of the asking thread, which other load on the machine does not
        change; `added_wall_us` is what a clock says, alternating between two servers included.
        """
        routed, plain = self._product.objects.all(), self._product.objects.using("plain")
        for query in (routed, plain):
            _batch(query)
        ends, rows = time.monotonic() + seconds, []
        while time.monotonic() < ends:
            first, ours, again, last = map(_batch, (plain, routed, routed, plain))
            rows.append(
                [(ours[i] + again[i] - first[i] - last[i]) / 2 for i in (0, 1)]
                + [(ours[0] + again[0]) / 2]
            )
        wall, processor, took = (statistics.median(column) for column in zip(*rows, strict=True))
        return {
            "added_us": processor * 1e6,
            "added_wall_us": wall * 1e6,
            "query_us": took * 1e6,
            "queries_per_s": 1 / took,
        }

    def load(self, seconds: float, threads: int) -> dict[str, Any]:
        """Pages of a few queries from threads; every query's end, duration and success."""

        def read(number: int) -> None:
            self._product.objects.get(stock=number % 10)

        return {"queries": _from_threads(read, seconds, threads)}

    def disk(self, seconds: float, threads: int) -> dict[str, float]:
        """The rate of reads when every server can do one at a time, 4 ms each."""
        from django.db import connections

        def read(number: int) -> None:
            with connections[self._product.objects.all().db].cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(1), pg_sleep(0.004)")
                cursor.execute("SELECT pg_advisory_unlock_all()")

        from dbrouting import unit_of_work

        def page(number: int) -> None:
            with unit_of_work():  # both statements on one node
                read(number)

        answers = _from_threads(page, seconds, threads)
        return {"reads_per_s": sum(ok for *_, ok in answers) / seconds}


def _batch(queryset: Any) -> tuple[float, float]:
    """Seconds a query: by the clock, and of this thread's processor time."""
    start, spent = time.perf_counter(), time.thread_time()
    for number in range(BATCH):
        queryset.get(stock=number % 10)
    return (time.perf_counter() - start) / BATCH, (time.thread_time() - spent) / BATCH


def _from_threads(
    read: Callable[[int], None], seconds: float, threads: int
) -> list[tuple[float, float, int]]:
    from django.db import close_old_connections, connections

    answers: list[tuple[float, float, int]] = []
    ends = time.monotonic() + seconds

    def run() -> None:
        number = 0
        while time.monotonic() < ends:
            number += 1
            if number % QUERIES_PER_PAGE == 0:
                close_old_connections()  # what Django does between requests
            answers.append(_timed(read, number))
        connections.close_all()

    workers = [threading.Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return answers


def _timed(read: Callable[[int], None], number: int) -> tuple[float, float, int]:
    start = time.monotonic()
    try:
        read(number)
    except Exception:  # noqa: BLE001 - counted, whatever it is
        ok = 0
    else:
        ok = 1
    end = time.monotonic()
    return end, end - start, ok


def main() -> None:
    """Serve commands until stdin ends."""
    setup = json.loads(sys.stdin.readline())
    given = setup["addresses"]
    configure(
        setup["peer"],
        Addresses(
            tuple(given["primary"]),
            tuple(tuple(server) for server in given["replicas"]),
            given["user"],
            given["name"],
        ),
    )
    worker = Worker()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        answer = getattr(worker, command.pop("do"))(**command)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
