"""Which pages are made, in which order. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from .sources import BadSource, Page, Source


@dataclass(frozen=True, slots=True)
class Batch:
    """Pages of one source that are preloaded and made together."""

    source: str
    pages: tuple[Page, ...]


def absolute(page: Page | str, base: str) -> Page:
    """The page with its whole URL. Raises BadSource for a path without `base`."""
    if isinstance(page, str):
        page = Page(page)
    if urlsplit(page.url).scheme in ("http", "https"):
        return page
    if not base or not page.url.startswith("/"):
        raise BadSource(f"{page.url!r} is no absolute URL: give --base https://shop.example")
    return Page(urljoin(base, page.url), page.key, page.groups, page.cookies)


def wanted(
    pages: Iterable[Page], groups: Collection[str], known: Mapping[str, Collection[str]]
) -> list[Page]:
    """Each page once; with `groups` only those that belong to one of them.

    `known`: the groups that pages are known to have beside those their source says, by URL.
    """
    unique = {page.name: page for page in pages}
    if not groups:
        return list(unique.values())
    chosen = set(groups)
    return [page for page in unique.values() if chosen & {*page.groups, *known.get(page.url, ())}]


def by_popularity(pages: Sequence[Page], visits: Mapping[str, float]) -> list[Page]:
    """The most visited first; those that nobody is known to visit last, as they were listed."""
    return sorted(pages, key=lambda page: -visits.get(page.url, 0.0))


def batches(source: Source, pages: Sequence[Page], size: int) -> list[Batch]:
    """Pages in groups of `size`."""
    return [Batch(source.name, tuple(pages[at : at + size])) for at in range(0, len(pages), size)]
