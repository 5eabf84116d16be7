"""HTTP/1.1 with any method: the fast parser where it can, the other one where it cannot.

llhttp, which httptools wraps, knows a fixed list of methods and refuses the rest, while a cache
must pass unknown ones (RFC 9110 §9.1) and take them for unsafe (RFC 9111 §4.4).
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final, cast

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from edge.corked import Corked

_KNOWN: Final = frozenset(
    b"ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR"
    b" MKCOL MOVE NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT"
    b" SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE".split()
)
MAX_HEAD: Final = 64 * 1024
"""Bytes of a request's head that are waited for; what comes in one piece with its end is read."""
_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 33\r\n\r\n"
    b"The request's head is too large.\n"
)
"""RFC 6585 §5."""
EMPTY_QUERY: Final = "twopass.empty_query"
"""Extension of an ASGI scope whose target ends in "?"."""

# method = token (RFC 9110 §9.1), and enough behind it to be a request rather than noise
_REQUEST: Final = re.compile(rb"\r?\n?([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,40}) [/*hH]")


class AnyMethodProtocol(HttpToolsProtocol):
    """Hands a connection over to h11 when a request with an unknown method begins on it."""

    _in_message = False
    _in_head = False
    _corked: Corked | None = None
    """What the newest request is answered through."""
    _head_size = 0
    """Bytes of the head that is being read, without the first piece of it."""

    def on_message_begin(self) -> None:
        """A request has begun."""
        self._in_message = self._in_head = True
        self._head_size = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field line; those of trailers are no header fields (RFC 9110 §6.5.1)."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is read; an absolute-form target overrules Host (RFC 9112 §3.2.2)."""
        if not self.url.startswith(b"/") and (authority := _authority(self.url)):
            self.headers[:] = [field for field in self.headers if field[0] != b"host"]
            self.headers.append((b"host", authority))
        self._in_head = False
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:  # it stays where the connection becomes a websocket's
            self._cork(self.cycle)
        if self.url.endswith(b"?"):  # which ASGI does not tell from a target without query
            self.scope.setdefault("extensions", {})[EMPTY_QUERY] = {}

    def on_message_complete(self) -> None:
        """A request is read."""
        self._in_message = False
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Bytes from the visitor."""
        if not self._in_message and self._is_idle() and _has_unknown_method(data):
            self._hand_over(data)
            return
        if self._in_head:
            self._head_size += len(data)  # set to 0 if the next head begins in this piece
        super().data_received(data)
        if self._in_head and self._head_size > MAX_HEAD and not self.transport.is_closing():
            self._refuse_head()

    def _refuse_head(self) -> None:
        # the parser keeps a field until its end, which may never come
        if self._is_idle():  # else an answer is on its way, and this one must not get into it
            self.transport.write(_TOO_LARGE)
        self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """What came is no request. What an earlier one is being answered has left before."""
        if self._corked is not None:
            self._corked.flush()
        super().send_400_response(msg)

    def _cork(self, cycle: RequestResponseCycle) -> None:
        corked, completed = Corked(self.transport, self.loop), cycle.on_response
        self._corked = corked

        def complete() -> None:
            corked.flush()  # whatever is answered next writes to the connection itself
            completed()

        cycle.transport = cast(asyncio.Transport, corked)
        cycle.on_response = complete

    def _is_idle(self) -> bool:
        return self.cycle is None or (self.cycle.response_complete and not self.pipeline)

    def _hand_over(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        state: dict[str, Any] = self.app_state
        other = H11Protocol(self.config, self.server_state, state, self.loop)
        other.connection_made(self.transport)
        self.transport.set_protocol(other)
        other.data_received(data)


def _authority(target: bytes) -> bytes | None:
    """Host and port of an absolute-form target, userinfo and all: a bad one is refused later."""
    found = re.match(rb"https?://([^/?#]*)", target, re.IGNORECASE)
    return found[1] if found else None


def _has_unknown_method(data: bytes) -> bool:
    found = _REQUEST.match(data)
    return found is not None and found[1] not in _KNOWN
