"""Pages as a Django without us makes them: a request for each, everything from the database."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from origin.datacache.rebuild import Page

BASE: Final = "http://127.0.0.1"
SHARE: Final = 100
"""Pages that a process takes at a time, as `rebuild_cache` does."""


def render(pages: Sequence[Page]) -> None:
    """One after the other, as a management command would. Raises RuntimeError for an error page."""
    from django.test import Client

    client = Client()  # sets up the middleware once, as a server does
    for page in pages:
        client.cookies.clear()
        for name, value in page.cookies.items():
            client.cookies[name] = value
        url = page.url.removeprefix(BASE)
        response = client.get(url, headers={"host": "127.0.0.1"})
        if response.status_code != 200:
            raise RuntimeError(f"{url} answered {response.status_code}")


def render_parallel(pages: Sequence[Page], processes: int) -> None:
    """The same by so many processes, which take turns."""
    from origin.datacache.rebuild.rendering import discover

    shares = [pages[start : start + SHARE] for start in range(0, len(pages), SHARE)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, discover) as pool:
        for _ in pool.map(render, shares):
            pass
