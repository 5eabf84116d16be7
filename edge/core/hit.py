"""Answers from memory, made ready: what every further use of them shares is worked out once.

Two kinds: a page for one visitor whose holes are all filled from memory, and a stored response.
They say what `edge.page` and `edge.core.stored.reply` say, by the same functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from edge.core.cache_status import CacheStatus
from edge.core.exchange import remaining
from edge.core.messages import Field, Headers, RequestHead
from edge.core.page_headers import (
    entity_tag,
    is_not_modified,
    not_modified_fields,
    page_fields,
    status_fields,
    timing,
)
from edge.core.plan import Plan
from edge.core.prepared import PreparedShell
from edge.core.stored import StoredResponse, reply
from fragments.bundle import FramePart
from fragments.csrf import CsrfHole
from fragments.shell import FragmentHole
from fragments.signing import Keyring

BODILESS = frozenset({204, 304})
"""Statuses whose messages end with their head (RFC 9112 §6.3)."""


@dataclass(frozen=True, slots=True)
class Own:
    """What one response has of its own: CSRF token and secret, nonce, cookies it sets."""

    token: bytes = b""
    nonce: bytes = b""
    secret: str | None = None
    set_cookies: tuple[Field, ...] = ()


class PageHit:
    """A page for one visitor, all of it at hand.

    `mints`: the visitor has no CSRF secret yet, so that every response brings a new one;
    `has_csrf`, `has_nonce`: it shows a token, or a nonce. Head and body come as pieces to be sent.
    """

    __slots__ = (
        "_etag", "_head", "_keyring", "_parts", "_plan", "_seconds", "_shell", "empty", "has_csrf",
        "has_nonce", "held", "mints", "size", "status_class",
    )  # fmt: skip

    def __init__(
        self, shell: PreparedShell, plan: Plan, keyring: Keyring, secret: str | None, *, mints: bool
    ) -> None:
        self._shell = shell
        self._plan = plan
        self._keyring = keyring
        self._parts = _flat(shell, plan)
        self._etag = None if mints else entity_tag(shell, plan, secret, keyring)
        self._seconds = (0, -1)
        self._head = b""
        fragments = plan.held.values()
        self.status_class = f"{shell.status // 100}xx"
        self.mints = mints
        self.has_csrf = shell.has_csrf or any(fragment.has_csrf for fragment in fragments)
        self.has_nonce = shell.has_nonce or any(fragment.has_nonce for fragment in fragments)
        self.held = len(plan.held)
        self.empty = len(plan.empty)
        self.size = 1024 + 64 * (len(self._parts) + len(shell.fields)) + 128 * len(plan.found)

    def is_not_modified(self, conditions: Headers) -> bool:
        """Whether the visitor, who sends these fields, has this very page already."""
        return is_not_modified(conditions, self._etag)

    def not_modified(self, own: Own, now: float) -> list[bytes]:
        """The answer to who has it."""
        return [head(304, not_modified_fields(self._fields(own, now)))]

    def whole(self, own: Own, now: float, *, has_body: bool) -> list[bytes]:
        """The page; for HEAD without its body."""
        shell = self._shell
        body = self._body(own)
        seconds = shell.expiry.ttl(now), shell.expiry.age(now)
        if self._is_fixed:
            if seconds != self._seconds:
                self._head = self._whole_head(own, now, body)
                self._seconds = seconds
            top = self._head
        else:
            top = self._whole_head(own, now, body)
        return [top, *body] if has_body else [top]

    @property
    def _is_fixed(self) -> bool:
        """Whether the head changes with the seconds only."""
        return not (self.mints or self._shell.filled_fields)

    def _whole_head(self, own: Own, now: float, body: Sequence[bytes]) -> bytes:
        length = (b"content-length", b"%d" % sum(map(len, body)))
        return head(self._shell.status, [*self._fields(own, now), length])

    def _fields(self, own: Own, now: float) -> list[Field]:
        shell, plan, expiry = self._shell, self._plan, self._shell.expiry
        fields = page_fields(shell, plan, own.token, own.nonce, own.set_cookies)
        status = CacheStatus(ttl=expiry.ttl(now))
        fields += status_fields(status, expiry.age(now), timing(plan, is_hit=True))
        etag = self._etag
        if self.mints:
            etag = entity_tag(shell, plan, own.secret, self._keyring)
        if etag is not None:
            fields.append((b"etag", etag))
        return fields

    def _body(self, own: Own) -> Sequence[bytes]:
        if not (self.has_csrf or self.has_nonce):
            return self._parts  # type: ignore[return-value]
        token, nonce = own.token, own.nonce
        return [
            part if isinstance(part, bytes) else token if isinstance(part, CsrfHole) else nonce
            for part in self._parts
        ]


def _flat(shell: PreparedShell, plan: Plan) -> tuple[FramePart, ...]:
    """The page as literals, tokens and nonces: nothing is copied."""
    found: list[FramePart] = []
    for part in shell.body:
        if not isinstance(part, FragmentHole):
            found.append(part)
        elif (fragment := plan.held.get(part)) is not None:
            found += fragment.parts
    return tuple(found)


class StoredHit:
    """A stored response that may be used as it is."""

    __slots__ = ("_head", "_seconds", "_stored", "size")

    def __init__(self, stored: StoredResponse) -> None:
        self._stored = stored
        self._seconds = (0, -1)
        self._head = b""
        self.size = 512 + sum(len(name) + len(value) for name, value in stored.headers)

    def answer(self, request: RequestHead, now: float) -> tuple[int, list[bytes]]:
        """Status and pieces of the answer. `request` has its conditional fields, if any."""
        stored = self._stored
        if request.headers or request.method != b"GET":
            answer = reply(stored, request, self._status(now), now)
            return answer.status, [head(answer.status, answer.headers), answer.body]
        seconds = remaining(stored.facts, now), stored.facts.age(now)
        if seconds != self._seconds:
            answer = reply(stored, request, self._status(now), now)
            self._head = head(answer.status, answer.headers)
            self._seconds = seconds
        return stored.facts.status, [self._head, stored.body]

    def _status(self, now: float) -> CacheStatus:
        return CacheStatus(ttl=remaining(self._stored.facts, now))


def head(status: int, fields: Sequence[Field]) -> bytes:
    """The head of a response as HTTP/1.1 has it (RFC 9112 §4)."""
    lines = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
    for name, value in fields:
        lines += (name, b": ", value, b"\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)


_STATUS_LINES = {
    status.value: b"HTTP/1.1 %d %s\r\n" % (status, status.phrase.encode()) for status in HTTPStatus
}
