"""What the edge knows of the origin's pages: the manifest, compiled, and single paths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote

from edge.core.messages import Headers
from edge.core.page_key import IgnorableQuery
from fragments.dimensions import Dimension
from fragments.manifest import Manifest, Route
from fragments.shell import Shell


@dataclass(frozen=True, slots=True)
class PageRecord:
    """What decides the key of a two-pass page: its dimensions and the parameters it reads."""

    dimensions: tuple[Dimension, ...] = ()
    query: tuple[str, ...] | None = None

    @classmethod
    def of_shell(cls, shell: Shell) -> PageRecord:
        """What a shell says of its page; the same object for all that say the same."""
        return _one(cls(shell.dimensions, shell.query))


@lru_cache(maxsize=1024)
def _one(record: PageRecord) -> PageRecord:
    return record


@dataclass(frozen=True, slots=True)
class Site:
    """A manifest, compiled for use on every request."""

    manifest: Manifest
    ignorable: IgnorableQuery
    dimensions: Mapping[str, Dimension]
    bypass_cookies: frozenset[str]
    varying_headers: frozenset[bytes]
    _routes: tuple[tuple[re.Pattern[str], PageRecord], ...] = field(repr=False)

    @classmethod
    def of(cls, manifest: Manifest) -> Site:
        """Compile `manifest`; a route with a dimension that it does not define is left out."""
        dimensions = {dimension.name: dimension for dimension in manifest.dimensions}
        return cls(
            manifest=manifest,
            ignorable=IgnorableQuery.of(manifest.ignorable_query),
            dimensions=dimensions,
            bypass_cookies=frozenset(manifest.bypass_cookies),
            varying_headers=frozenset(
                name.lower().encode("latin-1", "replace") for name in manifest.varying_headers
            ),
            _routes=tuple(
                (re.compile(route.pattern), _record(route, dimensions))
                for route in manifest.routes
                if all(name in dimensions for name in route.dimensions)
            ),
        )

    def route(self, path: bytes) -> PageRecord | None:
        """The record of the first two-pass route that matches `path`, a hint."""
        text = unquote(path.decode("ascii"))
        for pattern, record in self._routes:
            if pattern.match(text):
                return record
        return None

    def varying(self, headers: Headers, dimensions: Iterable[Dimension]) -> str | None:
        """The name of a field that changes pages and is no dimension of this one, if any."""
        if not self.varying_headers:
            return None
        declared = {
            d.field.lower().encode("latin-1", "replace") for d in dimensions if d.source == "header"
        }
        for name, _ in headers:
            if name in self.varying_headers and name not in declared:
                return name.decode("latin-1")
        return None


def _record(route: Route, dimensions: Mapping[str, Dimension]) -> PageRecord:
    return PageRecord(tuple(dimensions[name] for name in route.dimensions), route.query)
