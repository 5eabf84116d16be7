"""What can be wrong with an ESI document: problems cost a place, errors cost the document."""

from __future__ import annotations

from dataclasses import dataclass


class EsiError(ValueError):
    """The base of all errors of the ESI processor."""


class LimitExceeded(EsiError):
    """The document asks for more than `Limits` allow; it must not be served as a page."""


class ExpressionError(EsiError):
    """A `test` that is no expression; the branch is not taken."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a document that was left out. `offset`: bytes from the start of the document."""

    offset: int
    message: str
