"""A visitor as far as pages differ by them: cookies, dimension values, identity."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from edge.core import cookies
from edge.core.messages import Headers, combined
from fragments.dimensions import CONTEXT_COOKIE, Dimension, open_context
from fragments.signing import Keyring, to_text

EPOCH_BYTES = 16
_EPOCH = re.compile(r"[A-Za-z0-9_-]{22}\Z")

Values = tuple[tuple[str, str], ...]


class _Fields(Mapping[str, str]):
    """A request's fields as text, combined by name, read on demand."""

    def __init__(self, headers: Headers) -> None:
        self._headers = headers

    def __getitem__(self, name: str) -> str:
        value = combined(self._headers, name.encode("latin-1", "replace"))
        if value is None:
            raise KeyError(name)
        return value.decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        return iter({name.decode("latin-1") for name, _ in self._headers})

    def __len__(self) -> int:
        return len({name for name, _ in self._headers})


class Visitor:
    """One request's visitor. `epoch` is "" for who has none; `cookies` are without the edge's own.

    Nothing here is trusted: a forged cookie is another identity, not somebody else's.
    """

    __slots__ = (
        "_context", "_headers", "_identities", "cookies", "epoch", "session", "session_cookie"
    )  # fmt: skip

    def __init__(self, headers: Headers, session_cookie: str) -> None:
        self._headers = headers
        self.session_cookie = session_cookie
        self._context: dict[str, str] | None = None
        self._identities: dict[str, bytes] = {}
        self.cookies = cookies.parse(headers) if cookies.has_any(headers) else {}
        epoch = self.cookies.pop(cookies.EPOCH, "")
        self.epoch = epoch if _EPOCH.match(epoch) else ""
        # An empty session cookie is no session to Django either.
        self.session = self.cookies.get(session_cookie) or None

    def values(
        self, keyring: Keyring, dimensions: Iterable[Dimension]
    ) -> tuple[dict[str, str], list[Dimension]]:
        """The visitor's dimension values, and the buckets that are still to be drawn."""
        found: dict[str, str] = {}
        undrawn: list[Dimension] = []
        for dimension in dimensions:
            context = self._open_context(keyring) if dimension.source == "context" else {}
            value = dimension.reduce(self.cookies, _Fields(self._headers), context)
            if value is None:
                undrawn.append(dimension)
            else:
                found[dimension.name] = value
        return found, undrawn

    def identity(self, keyring: Keyring, epoch: str | None = None) -> bytes:
        """The owner part of private keys; `epoch` where the visitor is being given a new one."""
        epoch = self.epoch if epoch is None else epoch
        known = self._identities.get(epoch)
        if known is None:
            session = (self.session or "").encode("latin-1")
            known = keyring.digest("identity", session, epoch.encode("ascii"))
            self._identities[epoch] = known
        return known

    def account(self, keyring: Keyring) -> bytes:
        """What the cap per visitor counts by: epochs of one session share it."""
        return keyring.digest(
            "identity", b"account", (self.session or self.epoch).encode("latin-1")
        )

    def has_any(self, names: Iterable[str]) -> bool:
        """Whether the visitor carries one of these cookies."""
        return any(name in self.cookies for name in names)

    @property
    def has_own_key(self) -> bool:
        """Whether private keys tell this visitor from all others: by session or by epoch."""
        return bool(self.session or self.epoch)

    def header(self, name: str) -> bytes | None:
        """All lines of that field as one value."""
        return combined(self._headers, name.lower().encode("latin-1", "replace"))

    def _open_context(self, keyring: Keyring) -> dict[str, str]:
        if self._context is None:
            cookie = self.cookies.get(CONTEXT_COOKIE)
            self._context = open_context(keyring, self.session or "", cookie) if cookie else {}
        return self._context


def epoch_from_bytes(data: bytes) -> str:
    """The value of an epoch cookie from `EPOCH_BYTES` random bytes."""
    return to_text(data[:EPOCH_BYTES])


def is_shared_by_cookie(dimensions: Iterable[Dimension]) -> bool:
    """Whether a page differs by cookies, so that caches behind the edge cannot key it."""
    return any(dimension.source != "header" for dimension in dimensions)
