"""Pages of one request: their keys, and shells for them from the origin."""

from __future__ import annotations

import logging

from edge.core.fragment_key import Visit
from edge.core.inbound import Inbound
from edge.core.key import primary_key
from edge.core.outbound import first_pass
from edge.core.page_key import NOTHING_IGNORABLE, filtered_query, label_url, target_of
from edge.core.prepared import PreparedShell, prepare_shell
from edge.core.ready import made_ready
from edge.core.site import PageRecord, Site
from edge.core.steps import PASS_REASONS, Declined, Failed, Fetched, Page, Shelled
from edge.core.visitor import Visitor
from edge.edge import Edge
from edge.fetch import OriginError, OriginResponse
from fragments.dimensions import Dimension
from fragments.errors import WireError
from fragments.headers import PASSED
from fragments.shell import CONTENT_TYPE, Shell

logger = logging.getLogger("twopass.edge.shell")

PAUSE = 1.0
"""Seconds for which a stale shell is shown without trying again after a fetch failed."""

_ERROR_FIELD = b"twopass-error"


class Pages:
    """Names the pages that one visitor's request can mean. Buckets are drawn once a request."""

    def __init__(self, edge: Edge, inbound: Inbound, visitor: Visitor, site: Site) -> None:
        self.edge = edge
        self.inbound = inbound
        self.visitor = visitor
        self.site = site
        self.path_key = inbound.site + inbound.path
        self.drawn: dict[str, str] = {}
        """Values of buckets drawn for this visitor, by dimension."""

    @property
    def unknown_key(self) -> bytes:
        """The key of the URL while nothing is known of its page."""
        query = filtered_query(self.inbound.query, self.site.ignorable, None)
        return self.inbound.site + target_of(self.inbound.path, query)

    def record(self) -> PageRecord | None:
        """What is known of the page at this path, by an earlier shell or by the manifest."""
        records = self.edge.memory.records
        record = records.get(self.path_key)
        if record is None and (record := self.site.route(self.inbound.path)) is not None:
            records.set(self.path_key, record)
        return record

    def page(self, record: PageRecord) -> Page:
        """The page for this visitor."""
        values = self.values(record.dimensions)
        return page_for(self.inbound, self.site, record, tuple(sorted(values.items())))

    def values(self, dimensions: tuple[Dimension, ...]) -> dict[str, str]:
        """The visitor's value of each dimension; buckets without one are drawn."""
        assert self.edge.keyring is not None
        found, undrawn = self.visitor.values(self.edge.keyring, dimensions)
        for dimension in undrawn:
            if dimension.name not in self.drawn:
                fraction = int.from_bytes(self.edge.rng(7), "big") / 2**56
                self.drawn[dimension.name] = dimension.draw(fraction)
            found[dimension.name] = self.drawn[dimension.name]
        return found

    def dimensions(self, page: Page, shell: PreparedShell) -> tuple[Dimension, ...]:
        """The page's own, and those of the site that only its fragments declare."""
        own = {dimension.name: dimension for dimension in page.record.dimensions}
        for hole in shell.holes:
            for name in hole.dimensions:
                if name not in own and name in self.site.dimensions:
                    own[name] = self.site.dimensions[name]
        return tuple(own.values())

    def visit(self, page: Page, dimensions: tuple[Dimension, ...], epoch: str | None) -> Visit:
        """Who looks at which page; `epoch` is that of who has nothing else that is theirs alone."""
        edge, visitor = self.edge, self.visitor
        assert edge.keyring is not None
        by_cookie = {d.name: d.field for d in dimensions if d.source in _COOKIE_SOURCES}
        csrf = self.site.manifest.csrf_cookie
        return Visit(
            site=self.inbound.site,
            url=self.inbound.url,
            visitor=visitor,
            values={**self.values(dimensions), **dict(page.values)},
            identity=visitor.identity(edge.keyring, epoch),
            dimension_cookies=by_cookie,
            harmless=frozenset((*by_cookie.values(), *((csrf.name,) if csrf else ()))),
        )


_COOKIE_SOURCES = ("cookie", "language", "bucket")


def page_for(
    inbound: Inbound, site: Site | None, record: PageRecord, values: tuple[tuple[str, str], ...]
) -> Page:
    """The page at the request's URL for these dimension values."""
    head = inbound.head
    ignorable = site.ignorable if site is not None else NOTHING_IGNORABLE
    target = target_of(inbound.path, filtered_query(inbound.query, ignorable, record.query))
    pairs = [(name.encode(), value.encode()) for name, value in values]
    return Page(
        key=primary_key(head.scheme, head.host, target, pairs),
        target=target,
        label=label_url(inbound.site, inbound.path),
        record=record,
        values=values,
    )


async def fetch_shell(edge: Edge, inbound: Inbound, page: Page) -> Fetched:
    """Ask for a shell for nobody, and keep it."""
    assert edge.keyring is not None
    now = edge.clock()
    request = first_pass(
        inbound, page.target, page.record.dimensions, dict(page.values), edge.keyring,
        edge.memory.min_lsn(now),
    )  # fmt: skip
    since = edge.position
    try:
        response = await edge.origin.send(request, edge.settings.first_pass_timeout)
        try:
            fetched = await take_shell(edge, inbound, response, since, now)
        finally:
            await response.aclose()
    except OriginError as error:
        fetched = Failed(error.status, error.reason)
    if isinstance(fetched, Declined):
        edge.memory.marks.set(page.key, fetched.reason, now + edge.settings.hit_for_pass)
    if isinstance(fetched, Failed) or (isinstance(fetched, Declined) and fetched.failed):
        edge.memory.pauses.set(page.key, True, edge.clock() + PAUSE)
    return fetched


async def take_shell(
    edge: Edge, inbound: Inbound, response: OriginResponse, since: int, asked_at: float
) -> Fetched:
    """What an answer to a first pass or probe is: a shell, which is kept, or none.

    The body of anything but a shell is left unread. Raises OriginError.
    """
    if response.status != 200 or response.header(b"content-type") != CONTENT_TYPE.encode():
        return _declined(edge, response)
    assert edge.keyring is not None
    try:
        shell = Shell.decode(await response.read(edge.settings.object_bytes), edge.keyring)
        page = _page_of_shell(inbound, edge.manifest.site, shell)
    except WireError as error:
        edge.tally.wire_errors.add(error.code)
        logger.error("shell refused: %s", error, extra={"url": inbound.url.decode()})
        return Failed(502, "wire-error")
    prepared = prepare_shell(shell, page.label, asked_at, encodings=edge.settings.encodings)
    prepared = made_ready(prepared, edge.keyring)
    edge.memory.records.set(inbound.site + inbound.path, page.record)
    stored = edge.memory.keep_shell(page, prepared, since, edge.clock())
    edge.tally.stored.add("shell", "stored" if stored else "refused")
    return Shelled(prepared, page.key, stored)


def _page_of_shell(inbound: Inbound, site: Site | None, shell: Shell) -> Page:
    values = dict(shell.values)
    names = {dimension.name for dimension in shell.dimensions}
    if not names <= values.keys():
        raise WireError("malformed", f"no value for dimensions {sorted(names - values.keys())}")
    kept = tuple(sorted((name, value) for name, value in values.items() if name in names))
    return page_for(inbound, site, PageRecord.of_shell(shell), kept)


def _declined(edge: Edge, response: OriginResponse) -> Declined:
    if (code := response.header(_ERROR_FIELD)) is not None:
        edge.tally.wire_errors.add("refused")
        logger.error("the origin refuses our requests: %s", code.decode("latin-1"))
        return Declined("error", response.status)
    told = response.header(PASSED.lower().encode())
    if told is not None:
        reason = told.decode("latin-1")
        return Declined(reason if reason in PASS_REASONS else "other", response.status)
    return Declined("error" if response.status >= 500 else "plain", response.status)
