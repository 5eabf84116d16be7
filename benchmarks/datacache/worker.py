"""One way of making all pages, in processes of its own: prints what it took as JSON.

python -m benchmarks.datacache.worker plain|parallel|levels|rebuild PAGES STEP
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import django

if TYPE_CHECKING:
    from origin.datacache.rebuild import Page

BATCH: Final = 100
PROCESSES: Final = os.cpu_count() or 1


def main(way: str, limit: int, step: int) -> dict[str, float]:
    """Make the pages and say what it took."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.storefront.settings")
    django.setup()
    from origin.datacache.rebuild.rendering import discover

    from .pages import product_pages

    discover()
    pages = product_pages(limit, step)
    began = time.perf_counter()
    WAYS[way](pages)
    seconds = time.perf_counter() - began
    spent = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "pages": len(pages),
        "wall_seconds": seconds,
        "cpu_seconds": sum(item.ru_utime + item.ru_stime for item in spent),
    }


def _plain(pages: list[Page]) -> None:
    """As a Django without us answers, one request after the other."""
    from .plain import render

    render(pages)


def _parallel(pages: list[Page]) -> None:
    """The same on all processors."""
    from .plain import render_parallel

    render_parallel(pages, PROCESSES)


def _levels(pages: list[Page]) -> None:
    """First passes in one process, page by page, with whatever levels the settings have."""
    from origin.datacache.rebuild.planning import Batch
    from origin.datacache.rebuild.rendering import Task, perform
    from origin.datacache.rebuild.words import MADE

    outcome = perform(Task(Batch("", tuple(pages)), force=True))
    if set(outcome.words.values()) != {MADE}:
        raise RuntimeError(f"not all pages were made: {outcome.errors[:3]}")


def _rebuild(pages: list[Page]) -> None:
    """What `rebuild_cache` does: bulk loads, all processors."""
    from origin.datacache.rebuild.planning import batches
    from origin.datacache.rebuild.rendering import Task
    from origin.datacache.rebuild.running import Limits, run
    from origin.datacache.rebuild.sources import declared
    from origin.datacache.rebuild.words import MADE

    waves = [batches(declared()["products"], pages, BATCH)]
    totals = run(
        waves, lambda batch: Task(batch, force=True), Limits(PROCESSES), lambda outcome: None
    )
    if set(totals.words) != {MADE}:
        raise RuntimeError(f"not all pages were made: {totals.errors[:3]}")


WAYS: Final[Mapping[str, Callable[[list[Page]], None]]] = {
    "plain": _plain,
    "parallel": _parallel,
    "levels": _levels,
    "rebuild": _rebuild,
}

if __name__ == "__main__":
    import logging

    found = main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    logging.shutdown()
    sys.stdout.write(json.dumps(found) + "\n")
