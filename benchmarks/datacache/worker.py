"""One way of making all pages, in processes of its own: prints what it took as JSON.

python -m benchmarks.datacache.worker plain|levels|rebuild PAGES STEP
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.storefront.settings")
BATCH = 100


def main(way: str, limit: int, step: int) -> dict[str, float]:
    """Make the pages and say what it took."""
    django.setup()
    from origin.datacache.rebuild.rendering import discover

    from .pages import product_pages

    discover()
    pages = product_pages(limit, step)
    ways: dict[str, Callable[[list[object]], int]] = {
        "plain": _plain, "levels": _levels, "rebuild": _rebuild
    }  # fmt: skip
    began = time.perf_counter()
    queries = ways[way](list(pages))
    seconds = time.perf_counter() - began
    spent = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "pages": len(pages),
        "wall_seconds": seconds,
        "pages_per_second": len(pages) / seconds,
        "cpu_seconds": sum(item.ru_utime + item.ru_stime for item in spent),
        "queries_per_page": queries / len(pages),
    }


def _plain(pages: list[object]) -> int:
    """As a Django without us answers, one request after the other."""
    from django.db import connection
    from django.test import Client

    queries = 0

    def count(execute, *arguments):  # type: ignore[no-untyped-def]
        nonlocal queries
        queries += 1
        return execute(*arguments)

    client = Client()  # sets up the middleware once, as a server does
    with connection.execute_wrapper(count):
        for page in pages:
            client.cookies.clear()
            for name, value in page.cookies.items():  # type: ignore[attr-defined]
                client.cookies[name] = value
            url = page.url.removeprefix("http://127.0.0.1")  # type: ignore[attr-defined]
            response = client.get(url, headers={"host": "127.0.0.1"})
            if response.status_code != 200:
                raise RuntimeError(f"{url} answered {response.status_code}")
    return queries


def _levels(pages: list[object]) -> int:
    """First passes in one process, page by page, with whatever levels the settings have."""
    from origin.datacache.rebuild.planning import Batch
    from origin.datacache.rebuild.rendering import Task, perform
    from origin.datacache.rebuild.words import MADE

    outcome = perform(Task(Batch("", tuple(pages)), force=True))  # type: ignore[arg-type]
    if set(outcome.words.values()) != {MADE}:
        raise RuntimeError(f"not all pages were made: {outcome.errors[:3]}")
    return outcome.queries


def _rebuild(pages: list[object]) -> int:
    """What `rebuild_cache` does: bulk loads, all processors."""
    from origin.datacache.rebuild.planning import batches
    from origin.datacache.rebuild.rendering import Task
    from origin.datacache.rebuild.running import Limits, run
    from origin.datacache.rebuild.sources import declared
    from origin.datacache.rebuild.words import MADE

    waves = [batches(declared()["products"], pages, BATCH)]  # type: ignore[arg-type]
    totals = run(
        waves, lambda batch: Task(batch, force=True), Limits(os.cpu_count() or 1), lambda _: None
    )
    if set(totals.words) != {MADE}:
        raise RuntimeError(f"not all pages were made: {totals.errors[:3]}")
    return totals.queries


if __name__ == "__main__":
    import logging

    found = main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    logging.shutdown()
    sys.stdout.write(json.dumps(found) + "\n")
