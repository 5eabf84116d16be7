"""One visitor's request for one page, as far as filling its holes needs it."""

from __future__ import annotations

from functools import cached_property

from edge.core.fragment_key import Visit
from edge.core.inbound import Inbound
from edge.core.page_key import label_url
from edge.core.prepared import PreparedFragment
from edge.csrf import Csrf
from fragments.dimensions import Dimension
from fragments.splice import fill


class Seat:
    """`dimensions`: all that page and site know. `csrf` is None where no token can be made.

    `account`: the visitor as the cap on private fragments counts them; None where nothing tells
    them from others, so that nothing private may be held. `nonce` is one per response.
    """

    def __init__(
        self,
        inbound: Inbound,
        visit: Visit,
        dimensions: tuple[Dimension, ...],
        csrf: Csrf | None,
        nonce: bytes,
    ) -> None:
        self.inbound = inbound
        self.visit = visit
        self.dimensions = dimensions
        self.csrf = csrf
        self.nonce = nonce
        self.account: bytes | None = None

    @cached_property
    def label(self) -> str:
        """What purges by URL find fragments by that read the page's URL."""
        return label_url(self.inbound.site, self.inbound.path)

    @property
    def token(self) -> bytes:
        """What CSRF holes are filled with."""
        return self.csrf.token if self.csrf is not None else b""

    def bytes_of(self, fragment: PreparedFragment) -> bytes:
        """The fragment as this response shows it."""
        if fragment.plain is not None:
            return fragment.plain
        return fill(fragment.parts, self.token, self.nonce)
