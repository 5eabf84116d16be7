"""The fast path: hits answered in the parser's callback, with no task and no ASGI call.

Whatever `edge.hits` has no answer for goes to the application, unchanged, on the same connection.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from edge.hits import Hits
from edge.protocol import AnyMethodProtocol

logger = logging.getLogger("twopass.edge.fastpath")

_METHODS: Final = frozenset({b"GET", b"HEAD"})


class FastProtocol(AnyMethodProtocol):
    """uvicorn's protocol with `hits` in front of the application.

    It relies on what uvicorn's has: `url`, `headers`, `expect_100_continue`, `cycle`, `pipeline`,
    `flow`, `parser`, `transport`, `server_state` and the callbacks below; a test holds it to that.
    """

    hits: ClassVar[Hits]

    _is_answered = False
    """Whether the request that is being read has its answer already."""
    _rested_at = 0.0
    """When the last answer left by the fast path, in the loop's seconds."""
    _rest_timer: asyncio.TimerHandle | None = None
    _peer = ""
    _scheme = b"http"

    def connection_made(self, transport: Any) -> None:
        """A visitor has come."""
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else ""
        self._scheme = b"https" if self.scheme == "https" else b"http"

    def connection_lost(self, exc: Exception | None) -> None:
        """The visitor is gone."""
        self._forget_rest()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """The connection is a websocket's from now on."""
        self._forget_rest()
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        """Bytes from the visitor."""
        # a method that every parser knows, unless it stands within a head
        if not self._in_head and data.startswith(b"GET "):
            HttpToolsProtocol.data_received(self, data)
        else:
            super().data_received(data)

    def on_message_begin(self) -> None:
        """A request has begun. What only the application needs of it waits until it is asked."""
        self._in_message = self._in_head = True
        self._head_size = 0
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field line."""
        if self._in_head:
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is read: answer it, or hand it on."""
        self._is_answered = self._is_idle() and self._answer()
        if self._is_answered:
            self._in_head = False
        else:
            self._hand_on()

    def on_message_complete(self) -> None:
        """A request is read."""
        if self._is_answered:
            self._in_message = False
        else:
            super().on_message_complete()

    def _answer(self) -> bool:
        parser, transport = self.parser, self.transport
        method = parser.get_method()
        # Who reads slowly waits in the application, which waits for them: nothing piles up here.
        if method not in _METHODS or self.flow.write_paused or transport.is_closing():
            return False
        if parser.get_http_version() != "1.1" or not parser.should_keep_alive():
            return False
        try:
            pieces = self.hits.answer(method, self._scheme, self._peer, self.url, self.headers)
        except Exception:  # the parser would call the request invalid
            logger.exception("the fast path failed; the application answers")
            return False
        if pieces is None:
            return False
        # one buffer: uvloop sends it at once, and takes longer over several than joining does
        transport.write(b"".join(pieces))
        self.server_state.total_requests += 1
        self._rested_at = self.loop.time()
        if self._rest_timer is None:
            self._rest_timer = self.loop.call_later(self.timeout_keep_alive, self._end_of_rest)
        return True

    def _hand_on(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers  # the list that the scope holds
        super().on_headers_complete()

    def _hand_over(self, data: bytes) -> None:
        self._forget_rest()
        super()._hand_over(data)

    def _forget_rest(self) -> None:
        if self._rest_timer is not None:
            self._rest_timer.cancel()
            self._rest_timer = None

    def _end_of_rest(self) -> None:
        """Close the connection if nothing has come for a while, as uvicorn does, else look later.

        One timer for many answers: to set and cancel one each time would cost as much as they do.
        """
        self._rest_timer = None
        if self.transport.is_closing() or self.timeout_keep_alive_task is not None:
            return
        rested = self.loop.time() - self._rested_at
        if self._in_message or not self._is_idle():
            rested = 0.0
        if rested >= self.timeout_keep_alive:
            self.transport.close()
        else:
            left = self.timeout_keep_alive - rested
            self._rest_timer = self.loop.call_later(left, self._end_of_rest)


def protocol_for(hits: Hits) -> type[FastProtocol]:
    """The protocol of one server. uvicorn makes one object of it for each connection."""
    return type("FastProtocol", (FastProtocol,), {"hits": hits})
