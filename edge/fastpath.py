"""The fast path: hits answered in the parser's callback, with no task and no ASGI call.

Whatever `edge.hits` has no answer for goes to the application, unchanged, on the same connection.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from edge.hits import Hits
from edge.protocol import AnyMethodProtocol

_METHODS: Final = frozenset({b"GET", b"HEAD"})


class FastProtocol(AnyMethodProtocol):
    """uvicorn's protocol with `hits` in front of the application.

    It relies on what uvicorn's has: `url`, `headers`, `cycle`, `pipeline`, `flow`, `parser`,
    `transport`, `server_state` and the callbacks below; a test holds it to that.
    """

    hits: ClassVar[Hits]

    _is_answered = False
    """Whether the request that is being read has its answer already."""
    _peer = ""
    _scheme = b"http"

    def connection_made(self, transport: Any) -> None:
        """A visitor has come."""
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else ""
        self._scheme = b"https" if self.scheme == "https" else b"http"

    def on_headers_complete(self) -> None:
        """The head is read: answer it, or hand it on."""
        self._is_answered = self._is_idle() and self._answer()
        if self._is_answered:
            self._in_head = False
        else:
            super().on_headers_complete()

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
        pieces = self.hits.answer(method, self._scheme, self._peer, self.url, self.headers)
        if pieces is None:
            return False
        transport.writelines(pieces)
        self.server_state.total_requests += 1
        self._rest()
        return True

    def _rest(self) -> None:
        """Let the connection be closed once nothing has come for a while, as uvicorn does."""
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )


def protocol_for(hits: Hits) -> type[FastProtocol]:
    """The protocol of one server. uvicorn makes one object of it for each connection."""
    return type("FastProtocol", (FastProtocol,), {"hits": hits})
