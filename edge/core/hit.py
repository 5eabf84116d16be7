"""Answers from memory, made ready: what every further use of them shares is worked out once.

Two kinds: a page for one visitor whose holes are all filled from memory, and a stored response.
They say what `edge.page` and `edge.core.stored.reply` say, by the same functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.core.body import GzipBody, PlainBody, flat
from edge.core.cache_status import CacheStatus, append, hit
from edge.core.exchange import remaining
from edge.core.messages import Field, Headers, RequestHead
from edge.core.outbound import VIA
from edge.core.page_headers import (
    CACHE,
    entity_tag,
    is_not_modified,
    not_modified_fields,
    page_fields,
    status_fields,
    timing,
)
from edge.core.plan import Plan
from edge.core.prepared import PreparedShell
from edge.core.ready import ready_head
from edge.core.status_line import status_line
from edge.core.stored import StoredResponse, reply
from fragments.signing import Keyring


@dataclass(frozen=True, slots=True)
class Own:
    """What one response has of its own: CSRF token and secret, nonce, cookies it sets."""

    token: bytes = b""
    nonce: bytes = b""
    secret: str | None = None
    set_cookies: tuple[Field, ...] = ()


class PageHit:
    """A page for one visitor, all of it at hand.

    `secret`: the visitor's CSRF secret; `mints`: they have none yet, so that every response brings
    a new one. `coding`: that of the body, one that the shell has; None: as it is. `has_csrf`,
    `has_nonce`: the page shows a token, or a nonce.
    """

    __slots__ = (
        "_body", "_coding", "_etag", "_head", "_keyring", "_plan", "_seconds", "_shell", "empty",
        "has_csrf", "has_nonce", "held", "mints", "size", "status_class",
    )  # fmt: skip

    def __init__(
        self,
        shell: PreparedShell,
        plan: Plan,
        keyring: Keyring,
        secret: str | None,
        *,
        mints: bool = False,
        coding: bytes | None = None,
    ) -> None:
        self._shell = shell
        self._plan = plan
        self._keyring = keyring
        pieces = flat(shell, plan, shows_tokens=mints or secret is not None)
        self._coding = coding
        if coding is None:
            self._body: PlainBody | GzipBody = PlainBody(pieces)
        elif coding == b"gzip":
            self._body = GzipBody(pieces)
        else:
            self._body = PlainBody([(shell.made[coding], None)])
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
        self.size = 1024 + 64 * (len(pieces) + len(shell.fields)) + 128 * len(plan.found)

    def is_not_modified(self, conditions: Headers, own: Own) -> bool:
        """Whether the visitor, who sends these fields, has this very page already."""
        return is_not_modified(conditions, self._tag(own))

    def not_modified(self, own: Own, now: float) -> list[bytes]:
        """The answer to who has it, as it leaves."""
        fields = self.fields(own, self._hit(now), now)
        return [head(304, not_modified_fields(fields))]

    def whole(self, own: Own, now: float, *, has_body: bool) -> list[bytes]:
        """The page as it leaves; for HEAD without its body."""
        expiry = self._shell.expiry
        body = self._body.pieces(own.token, own.nonce)
        seconds = expiry.ttl(now), expiry.age(now)
        if seconds != self._seconds or not self._is_fixed:
            self._head = self._made_head(own, sum(map(len, body)), now)
            self._seconds = seconds
        return [self._head, *body] if has_body else [self._head]

    def _made_head(self, own: Own, size: int, now: float) -> bytes:
        if self._shell.lead and not own.set_cookies:
            said = timing(self._plan, is_hit=True)
            return ready_head(self._shell, self._coding, said, self._tag(own), size, now)
        fields = self.fields(own, self._hit(now), now)
        return head(self._shell.status, [*fields, (b"content-length", b"%d" % size)])

    def body(self, own: Own) -> bytes:
        """The page's body in one."""
        return b"".join(self._body.pieces(own.token, own.nonce))

    def fields(self, own: Own, status: CacheStatus, now: float) -> list[Field]:
        """All fields of a response with the whole page but Content-Length."""
        shell, plan = self._shell, self._plan
        fields = page_fields(shell, plan, own.token, own.nonce, own.set_cookies)
        if self._coding is not None:
            fields.append((b"content-encoding", self._coding))
        fields += status_fields(status, shell.expiry.age(now), timing(plan, is_hit=status.is_hit))
        if (etag := self._tag(own)) is not None:
            fields.append((b"etag", etag))
        return fields

    def _tag(self, own: Own) -> bytes | None:
        if self.mints:
            return entity_tag(self._shell, self._plan, own.secret, self._keyring)
        return self._etag

    @property
    def _is_fixed(self) -> bool:
        """Whether the head changes with the seconds only."""
        return not (self.mints or self._shell.filled_fields)

    def _hit(self, now: float) -> CacheStatus:
        return CacheStatus(ttl=self._shell.expiry.ttl(now))


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
            return _replied(stored, request, now)
        seconds = remaining(stored.facts, now), stored.facts.age(now)
        if seconds != self._seconds:
            self._head = _replied(stored, request, now)[1][0]
            self._seconds = seconds
        return stored.facts.status, [self._head, stored.body]


def simple_answer(
    stored: StoredResponse, request: RequestHead, now: float
) -> tuple[int, list[bytes]]:
    """Status and pieces of the answer that a fresh one gives, with nothing remembered for it."""
    if not request.headers and request.method == b"GET":
        return stored.facts.status, [_whole_head(stored, now), stored.body]
    return _replied(stored, request, now)


def _replied(stored: StoredResponse, request: RequestHead, now: float) -> tuple[int, list[bytes]]:
    answer = reply(stored, request, CacheStatus(ttl=remaining(stored.facts, now)), now)
    return answer.status, [head(answer.status, answer.headers), answer.body]


def _whole_head(stored: StoredResponse, now: float) -> bytes:
    """What `reply` and `head` say where nothing but the seconds is to be found out."""
    facts = stored.facts
    lines = [status_line(facts.status)]
    for name, value in stored.headers:
        lines += (name, b": ", value, b"\r\n")
    status = append(stored.nearer, hit(CACHE, remaining(facts, now)))
    lines.append(_TAIL % (facts.age(now), status, len(stored.body)))
    return b"".join(lines)


_TAIL = b"age: %%d\r\ncache-status: %%b\r\nvia: %b\r\ncontent-length: %%d\r\n\r\n" % VIA


def head(status: int, fields: Sequence[Field]) -> bytes:
    """The head of a response as HTTP/1.1 has it (RFC 9112 §4)."""
    lines = [status_line(status)]
    for name, value in fields:
        lines += (name, b": ", value, b"\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)
