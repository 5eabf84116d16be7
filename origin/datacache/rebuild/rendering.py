"""Makes the pages of a batch, in a process of its own: here, or by asking edges for them."""

from __future__ import annotations

import contextlib
import gc
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from django.db import connections
from django.test import Client

from fragments.headers import MIN_LSN
from fragments.shell import Shell

from ... import shells
from ...conf import get_settings
from ...guess import guess_page
from ...report.asking import Answer, ask
from ...subrequest import filter_query
from ..request_layer import request_cache
from .pace import Pace
from .planning import Batch
from .refreshing import Misfiled, Refreshing
from .sources import Page, declared
from .words import FAILED, FRESH, MADE, PASSED, UNMADE, word_of_status

TOGETHER: Final = 20
"""Pages that are stored together: a tenth of a second's. What a purge overtakes is made in vain,
and a mark that is made anew keeps out all that began before it, so that more would waste more."""
TOGETHER_FOR: Final = 0.1
"""Seconds that a page waits for others to be stored with, where they are held back."""


@dataclass(frozen=True, slots=True)
class Task:
    """A batch, and what is to be done with it. `through`: edges to ask, none to render here."""

    batch: Batch
    through: tuple[str, ...] = ()
    admin: tuple[str, ...] = ()
    force: bool = False


@dataclass(slots=True)
class Outcome:
    """What came of a batch: pages by word, what is wrong with some, the groups of those rendered
    here by URL, queries and seconds."""

    batch: Batch
    words: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    queries: int = 0
    seconds: float = 0.0

    def put(self, page: Page, word: str, status: int) -> None:
        """That page is done; if it is none, name it and the status that said so."""
        self.words[page.name] = word
        if word in UNMADE:
            self.errors.append(f"{page.url}: {word}: {status}")


def perform(task: Task) -> Outcome:
    """Preload what the pages share, then make them. Raises Misfiled."""
    outcome = Outcome(task.batch)
    began = time.perf_counter()
    with _counting(outcome):
        _preload(task, outcome)
        if task.through:
            with Refreshing(task.through, task.admin, force=task.force) as refreshing:
                for page in task.batch.pages:
                    _hold()
                    with _failing(outcome, [page]):
                        outcome.put(page, *refreshing.refresh(page))
        else:
            _here(task, outcome)
    outcome.seconds = time.perf_counter() - began
    return outcome


@contextlib.contextmanager
def _failing(outcome: Outcome, pages: Sequence[Page]) -> Iterator[None]:
    """What goes wrong with some pages must not end the run; what will with all of them must."""
    try:
        yield
    except Misfiled:
        raise
    except Exception as error:  # noqa: BLE001  # views, templates and caches may raise anything
        for page in pages:
            outcome.words[page.name] = FAILED
            outcome.errors.append(f"{page.url}: {type(error).__name__}: {error}")


def _preload(task: Task, outcome: Outcome) -> None:
    source = declared().get(task.batch.source)
    if source is None or source.preload is None:
        return
    try:
        source.preload(task.batch.pages)
    except Exception as error:  # noqa: BLE001  # the pages load one by one what is missing
        outcome.errors.append(f"preload of {source.name}: {type(error).__name__}: {error}")


def _here(task: Task, outcome: Outcome) -> None:
    """Render for nobody, and keep the shells in the Django cache that serving processes read."""
    client, pages = Client(), task.batch.pages  # one, which sets up the middleware once
    together = TOGETHER
    if _pace is not None and _pace.rate:
        together = min(TOGETHER, int(_pace.rate * TOGETHER_FOR) or 1)
    for start in range(0, len(pages), together):
        some = pages[start : start + together]
        with _failing(outcome, some):
            _keep_some(some, task.force, client, outcome)


def _keep_some(pages: Sequence[Page], force: bool, client: Client, outcome: Outcome) -> None:
    conf = get_settings()
    # a purge that comes while they are made is one that they must not outlive
    began, min_lsn = shells.begin(conf), shells.min_lsn(conf)
    made: list[tuple[shells.PageKey, Shell, bytes]] = []
    with request_cache():  # all of them ask the data caches' clock once, after ours
        for page in pages:
            _hold()
            with _failing(outcome, [page]):
                if not force and _is_fresh(page):
                    outcome.words[page.name] = FRESH
                    continue
                answer = _rendered(page, client, min_lsn)
                if answer.shell is None:
                    outcome.put(page, word_of_status(answer.status) or PASSED, answer.status)
                else:
                    outcome.put(page, MADE, answer.shell.status)
                    outcome.groups[page.url] = tuple(answer.shell.groups)
                    made.append((_key_of(page, answer.shell), answer.shell, answer.sealed))
    if conf.cache:
        shells.store_many(made, began, conf)


def _is_fresh(page: Page) -> bool:
    expected, conf = _key(page), get_settings()
    held = shells.lookup(expected, conf) if expected is not None else None
    return held is not None and held.is_fresh


def _rendered(page: Page, client: Client, min_lsn: str | None) -> Answer:
    """The page's shell, or none for one that is passed. Raises RuntimeError for an error in it."""
    client.cookies.clear()
    for name, value in page.cookies.items():
        client.cookies[name] = value
    headers = {MIN_LSN: min_lsn} if min_lsn else None
    answer = ask(client, page.url, "first", get_settings(), headers)
    if answer.reason == "status":  # of the page, which only a visitor's own request is told
        answer = ask(client, page.url, "probe", get_settings(), headers)
    if answer.shell is None and (answer.status >= 500 or answer.reason.startswith("error")):
        raise RuntimeError(answer.reason)
    return answer


def _key(page: Page) -> shells.PageKey | None:
    """The name under which the shell lies, as far as it can be told beforehand."""
    from django.test import RequestFactory

    conf, parts = get_settings(), urlsplit(page.url)
    options = guess_page(RequestFactory().get(parts.path))
    if options is None:
        return None
    known = [conf.dimensions[name] for name in options.dimensions]
    found = [(item.name, item.reduce(page.cookies, {}, {}) or item.default) for item in known]
    return shells.PageKey(_address(page, options.query), tuple(found), conf.release)


def _key_of(page: Page, shell: Shell) -> shells.PageKey:
    return shells.PageKey(_address(page, shell.query), shell.values, get_settings().release)


def _address(page: Page, query: tuple[str, ...] | None) -> str:
    parts = urlsplit(page.url)
    kept = filter_query(parts.query, query, get_settings().ignorable_query)
    url = f"{parts.scheme}://{parts.netloc.lower()}{parts.path or '/'}"
    return f"{url}?{kept}" if kept else url


@contextlib.contextmanager
def _counting(outcome: Outcome) -> Iterator[None]:
    def count(execute: Callable[..., Any], *args: Any) -> Any:
        outcome.queries += 1
        return execute(*args)

    with contextlib.ExitStack() as stack:
        for connection in connections.all():
            stack.enter_context(connection.execute_wrapper(count))
        yield


GARBAGE: Final = 100_000
"""New objects before their cycles are looked for: a page makes thousands, and Python's 700 would
have a process that makes nothing but pages spend a quarter of its time on it."""


_pace: Pace | None = None


def _hold() -> None:
    if _pace is not None:
        _pace.hold()


def begin_process(pace: Pace) -> None:
    """What a process does first that makes nothing but pages, at that pace."""
    global _pace
    _pace = pace
    discover()
    # the totals count pages that are passed; `two_pass_report --explain` tells why one is
    logger = logging.getLogger("twopass")
    if logger.level == logging.NOTSET:
        logger.setLevel(max(logging.WARNING, logger.getEffectiveLevel()))
    gc.collect()
    gc.freeze()  # what was imported stays, and need not be looked through again
    gc.set_threshold(GARBAGE, 50, 100)


def discover() -> None:
    """Set Django up, and find the sources of pages."""
    import django
    from django.utils.module_loading import autodiscover_modules

    django.setup()
    autodiscover_modules("rebuild")
