"""Where the URLs of pages come from: functions of the project's, Django's sitemaps, XML files."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
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
    """Declare the pages of a `django.contrib.sitemaps.Sitemap` class or instance."""

    def pages() -> Iterator[Page]:
        made = sitemap() if isinstance(sitemap, type) else sitemap
        for item in made.items():
            yield Page(str(made.location(item)), key=getattr(item, "pk", None))

    _sources[name] = Source(name, pages, tuple(after), preload)


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
    return Source(f"sitemap {address}", lambda: map(Page, read_sitemap(_fetch(address), _fetch)))


def read_sitemap(text: bytes, fetch: Callable[[str], bytes]) -> Iterator[str]:
    """The URLs in a sitemap (sitemaps.org protocol 0.9). Raises BadSource for what is none."""
    locations: list[str] = []
    path: list[str] = []
    roots: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")

    def start(name: str, _attributes: object) -> None:
        path.append(name.rpartition(" ")[2])
        if len(path) == 1:
            roots.append(path[0])
        if path[-1] == "loc":
            locations.append("")

    def characters(data: str) -> None:
        if path and path[-1] == "loc":
            locations[-1] += data

    def refuse(*_: object) -> None:
        raise BadSource("a sitemap declares no entities")  # they could make it grow without end

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: path.pop()
    parser.CharacterDataHandler = characters
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise BadSource(f"no sitemap: {error}") from error
    for location in locations:
        if roots == ["sitemapindex"]:
            yield from read_sitemap(fetch(location.strip()), fetch)
        else:
            yield location.strip()


def _fetch(address: str) -> bytes:
    if urlsplit(address).scheme in ("http", "https"):
        with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310  # scheme checked
            data: bytes = answer.read()
            return data
    return Path(address).read_bytes()
