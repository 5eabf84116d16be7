"""Which page a URL is: the query parameters that count, and the label that purges find it by."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import quote_from_bytes, unquote_plus, unquote_to_bytes, urlsplit

from edge.core.key import BadTarget, canonical_host
from edge.core.purge import Invalidation, InvalidationError


@dataclass(frozen=True, slots=True)
class IgnorableQuery:
    """Names of parameters that reach neither key nor view: whole names, or prefixes before `*`."""

    names: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[str]) -> IgnorableQuery:
        """From the manifest's form."""
        entries = tuple(entries)
        return cls(
            frozenset(entry for entry in entries if not entry.endswith("*")),
            tuple(entry[:-1] for entry in entries if entry.endswith("*")),
        )

    def has(self, name: str) -> bool:
        """Whether the parameter is ignorable."""
        return name in self.names or (bool(self.prefixes) and name.startswith(self.prefixes))


NOTHING_IGNORABLE = IgnorableQuery()


def filtered_query(
    query: bytes | None, ignorable: IgnorableQuery, declared: tuple[str, ...] | None
) -> bytes | None:
    """The part of the query that counts, as it is sent to the origin; None when nothing is left.

    Without a declaration the other parameters stay as they stand. A view that declares what it
    reads gets those, sorted by name: it reads them by name, so their order says nothing. Only "&"
    parts parameters (as in Django), and names are compared decoded.
    """
    if query is None:
        return None
    kept: list[tuple[str, bytes]] = []
    for pair in query.split(b"&"):
        name = unquote_plus(pair.partition(b"=")[0].decode("latin-1"))
        if ignorable.has(name) or (declared is not None and name not in declared):
            continue
        kept.append((name, pair))
    if declared is not None:
        kept.sort(key=lambda item: item[0])
    return b"&".join(pair for _, pair in kept) or None


def target_of(path: bytes, query: bytes | None) -> bytes:
    """Path and query in one."""
    return path if query is None else path + b"?" + query


def label_url(site: bytes, path: bytes) -> str:
    """What purges by URL and prefix compare: the absolute URL without query, its escapes unified.

    Coarser than the key on purpose: a purge drops every spelling of the path.
    """
    return site.decode("ascii") + quote_from_bytes(
        unquote_to_bytes(path), safe="/!$&'()*+,;=:@~-._"
    )


def canonical(invalidation: Invalidation) -> Invalidation:
    """The same with URLs and prefixes in the form of `label_url`. Raises InvalidationError."""
    return replace(
        invalidation,
        urls=tuple(_label(url) for url in invalidation.urls),
        prefixes=tuple(_label(prefix) for prefix in invalidation.prefixes),
    )


def findable(invalidation: Invalidation) -> Invalidation:
    """As `canonical`, but what names no host is left out: nothing can be stored under it."""
    return replace(
        invalidation,
        urls=_labels(invalidation.urls),
        prefixes=_labels(invalidation.prefixes),
    )


def _labels(urls: Iterable[str]) -> tuple[str, ...]:
    found = []
    for url in urls:
        with suppress(InvalidationError):
            found.append(_label(url))
    return tuple(found)


def _label(url: str) -> str:
    try:
        parts = urlsplit(url)
        scheme = parts.scheme.lower().encode("ascii")
        host = canonical_host(
            parts.netloc.encode("idna" if not parts.netloc.isascii() else "ascii"), scheme
        )
    except (BadTarget, ValueError) as error:
        raise InvalidationError(f"{url!r} does not name a host ({error})") from error
    return label_url(scheme + b"://" + host, parts.path.encode() or b"/")
