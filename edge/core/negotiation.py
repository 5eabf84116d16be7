"""Which content coding a visitor gets: what they take, by their preference, then by ours."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import Final

from edge.core.messages import Headers, combined, list_members

Offer = tuple[bytes, ...]
"""Codings that a visitor takes, best first."""

NOTHING: Final[Offer] = ()

_ALIASES: Final = {b"x-gzip": b"gzip"}
# weight = OWS ";" OWS "q=" qvalue; qvalue = 0 to 1 with three decimals (RFC 9110 §12.4.2)
_MEMBER: Final = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?",
    re.IGNORECASE,
)


def taken(headers: Headers, ours: Sequence[bytes]) -> Offer:
    """Those of `ours` (best first) that the visitor takes, in the order they are to be tried.

    RFC 9110 §12.5.3: weights come first; among equal ones our order holds. "*" names none of them:
    who does not name a coding gets the page as it is, which everybody can read. Neither does a
    visitor get one who prefers `identity` to it. What is not to be understood counts as absent.
    """
    weights: dict[bytes, float] = {}
    for member in list_members(combined(headers, b"accept-encoding") or b""):
        if (found := _MEMBER.fullmatch(member)) is not None:
            name = found[1].lower()
            weights.setdefault(_ALIASES.get(name, name), float(found[2] or 1))
    least = weights.get(b"identity", 0.0)
    fit = [name for name in ours if weights.get(name, 0.0) > 0.0 and weights[name] >= least]
    fit.sort(key=lambda name: -weights[name])  # a stable sort: ours decides between equals
    return tuple(fit)


def best(offer: Offer, made: Container[bytes]) -> bytes | None:
    """The first of `offer` that there is; None: the page as it is."""
    return next((name for name in offer if name in made), None)
