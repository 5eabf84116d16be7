"""Where the URLs of pages come from: functions of the project's, Django's sitemaps, XML files."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import urlsplit
from xml.parsers import expat


@dataclass(frozen=True, slots=True)
class Page:
    """A page to make. `url`: absolute, or a path below `--base`.

    `key` is for the source's own `preload`; `groups` are what `--only-group` looks at; `cookies`
    choose the values of dimensions.
    """

    url: str
    key: Any = None
    groups: tuple[str, ...] = ()
    cookies: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What tells it from the same URL with other values of dimensions."""
        return self.url + "".join(f" {key}={value}" for key, value in sorted(self.cookies.items()))


Listing: TypeAlias = Callable[[], Iterable["Page | str"]]
Preload: TypeAlias = Callable[[Sequence[Page]], object]
F = TypeVar("F", bound=Listing)


@dataclass(frozen=True, slots=True)
class Source:
    """Pages of a kind. `after`: sources whose pages come first; `preload`: loads in bulk the data
    that some of its pages will ask for, before they are made."""

    name: str
    pages: Listing
    after: tuple[str, ...] = ()
    preload: Preload | None = None


class BadSource(ValueError):
    """Sources that cannot be used together; the message says which."""


_sources: Final[dict[str, Source]] = {}


def page_source(
    name: str, *, after: Sequence[str] = (), preload: Preload | None = None
) -> Callable[[F], F]:
    """Declare a function that lists pages; a second source of a name replaces the first."""
    if isinstance(after, str):
        raise TypeError("page_source: after is a list of names")

    def declare(function: F) -> F:
        _sources[name] = Source(name, function, tuple(after), preload)
        return function

    return declare


def sitemap_source(
    name: str, sitemap: Any, *, after: Sequence[str] = (), preload: Preload | None = None
) -> None:
    """Declare the pages of a `django.contrib.sitemaps.Sitemap` class or instance, or of a dict of
    them as Django's own views take it.

    Every URL that Django would list, in all languages, is a page below `--base`; only where the
    sitemap names a domain of its own (`get_domain`) it keeps that, and its protocol.
    """

    def pages() -> Iterator[Page]:
        sections = sitemap.values() if isinstance(sitemap, Mapping) else [sitemap]
        for section in sections:
            yield from _sitemap_pages(section() if callable(section) else section)

    _sources[name] = Source(name, pages, tuple(after), preload)


_BELOW_BASE: Final = "base.invalid"


def _sitemap_pages(sitemap: Any) -> Iterator[Page]:
    site = SimpleNamespace(domain=_BELOW_BASE, name=_BELOW_BASE)
    for number in sitemap.paginator.page_range:
        for row in sitemap.get_urls(page=number, site=site):
            # with languages, an item is one of (item, language)
            item = row["item"][0] if sitemap.i18n else row["item"]
            _, mine, path = row["location"].partition(f"://{_BELOW_BASE}")
            yield Page(path if mine else row["location"], key=getattr(item, "pk", None))


def declared() -> dict[str, Source]:
    """Every source by name."""
    return dict(_sources)


def in_order(sources: Mapping[str, Source]) -> list[Source]:
    """The sources, each behind those it comes after. Raises BadSource."""
    done: dict[str, Source] = {}
    doing: list[str] = []

    def visit(name: str) -> None:
        if name in done:
            return
        if name in doing:
            raise BadSource(f"sources wait for each other: {' → '.join([*doing, name])}")
        doing.append(name)
        for before in sources[name].after:
            if before not in sources:
                known = ", ".join(sources)
                raise BadSource(f"source {name!r} is after {before!r}, which is none of {known}")
            visit(before)
        doing.pop()
        done[name] = sources[name]

    for name in sources:
        visit(name)
    return list(done.values())


def xml_source(address: str) -> Source:
    """The pages that a sitemap file or its URL lists, those of a sitemap index included."""
    return Source(f"sitemap {address}", lambda: map(Page, read_sitemap(address, _fetch)))


_SITEMAPS: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"
_ENTRY: Final = {"urlset": "url", "sitemapindex": "sitemap"}
"""What may be the root of a sitemap, and what each of its entries is."""


def read_sitemap(
    address: str, fetch: Callable[[str], bytes], *, may_be_index: bool = True
) -> Iterator[str]:
    """The URLs in the sitemap at `address` (sitemaps.org protocol 0.9).

    Raises BadSource, naming the address, for what is none or cannot be had.
    """
    try:
        root, locations = _locations(fetch(address))
        if root == "sitemapindex" and not may_be_index:
            raise BadSource("an index in an index")
    except (BadSource, OSError, ValueError) as error:
        raise BadSource(f"no sitemap at {address}: {error}") from error
    for location in locations:
        if root == "sitemapindex":
            yield from read_sitemap(location, fetch, may_be_index=False)
        else:
            yield location


def _locations(text: bytes) -> tuple[str, list[str]]:
    """The name of the root, and each `loc` that is an entry's own: extensions have others,

    such as `image:loc`. A sitemap without any namespace will do. Raises BadSource.
    """
    locations: list[str] = []
    path: list[str] = []
    roots: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")

    def start(name: str, _attributes: object) -> None:
        space, _, local = name.rpartition(" ")
        path.append(local if space in (_SITEMAPS, "") else name)
        if not roots:
            if path[0] not in _ENTRY:
                raise BadSource(f"its root is <{name}>, neither <urlset> nor <sitemapindex>")
            roots.append(path[0])
        if is_location():
            locations.append("")

    def is_location() -> bool:
        return path == [roots[0], _ENTRY[roots[0]], "loc"]

    def characters(data: str) -> None:
        if path[-1] == "loc" and is_location():
            locations[-1] += data

    def refuse(*_: object) -> None:
        raise BadSource("it declares entities")  # they could make it grow without end

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: path.pop()
    parser.CharacterDataHandler = characters
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise BadSource(f"bad XML: {error}") from error
    return roots[0], [location.strip() for location in locations]


def _fetch(address: str) -> bytes:
    if urlsplit(address).scheme in ("http", "https"):
        with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310  # scheme checked
            data: bytes = answer.read()
            return data
    return Path(address).read_bytes()
