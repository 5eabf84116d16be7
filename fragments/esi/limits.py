"""How much a document may ask for. Every limit has a precedent or a bad input behind it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes are bytes.

    `depth`: includes inside includes (Varnish: 5). `includes`: fetches for one page (Fastly: 256).
    `tag`: one tag with its attributes (Apache Traffic Server caps URLs at 32 KiB). `url`: as long
    as common servers read. `nesting`: elements inside elements. `elements`: per document.
    `expression`: operators and parentheses of one `test`. `problems`: how many are kept.
    """

    document: int = 16 * 1024 * 1024
    tag: int = 32 * 1024
    url: int = 8 * 1024
    elements: int = 50_000
    nesting: int = 32
    expression: int = 256
    depth: int = 5
    includes: int = 256
    problems: int = 20


DEFAULT_LIMITS = Limits()
