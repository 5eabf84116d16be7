"""Websockets, passed on message by message; the origin decides whether there is one at all."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import urlsplit

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from edge.core.inbound import Inbound
from edge.core.outbound import visitors_own
from edge.edge import Edge

logger = logging.getLogger("twopass.edge.websocket")

MAX_MESSAGE = 16 * 1024 * 1024
"""Bytes of one message, the default of uvicorn too."""

_ORIGIN_UNREACHABLE = 1014  # Bad Gateway (IANA registry of close codes)
_PEER_FAILED = 1011
_NO_STATUS = 1005
_NOT_SENDABLE = frozenset({1006, 1015})


class _Connect(connect):
    """Follows no redirect: the visitor's browser is to decide, as with any other answer."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def proxy_websocket(
    edge: Edge, inbound: Inbound, scope: Scope, receive: Receive, send: Send
) -> None:
    """Connect to the origin, then accept the visitor, then carry messages until one side ends."""
    visitor = WebSocket(scope, receive, send)
    await visitor.receive()  # websocket.connect
    try:
        origin = await _connect(edge, inbound, scope["subprotocols"])
    except InvalidStatus as error:
        edge.tally.websockets.add("refused")
        await _refuse(visitor, error)
        return
    except (OSError, TimeoutError, WebSocketException) as error:
        edge.tally.websockets.add("failed")
        logger.warning("websocket not opened: %s", error, extra={"url": inbound.url.decode()})
        await visitor.close(_ORIGIN_UNREACHABLE)
        return
    edge.tally.websockets.add("opened")
    async with origin:
        cookies = [field for field in _response_fields(origin) if field[0] == b"set-cookie"]
        await visitor.accept(origin.subprotocol, cookies)
        await _carry(visitor, origin)


async def _connect(edge: Edge, inbound: Inbound, subprotocols: list[str]) -> ClientConnection:
    own = visitors_own(inbound, asks_for_shell=False).headers
    headers = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in own
        if name != b"host" and not name.startswith(b"sec-websocket-")
    ]
    options: dict[str, Any] = {
        "additional_headers": headers,
        "subprotocols": subprotocols or None,
        "compression": None,
        "user_agent_header": None,
        "proxy": None,
        "open_timeout": edge.settings.origin_timeout,
        "ping_interval": None,  # the visitor's own server side does that
        "max_size": MAX_MESSAGE,
    }
    address = edge.origin.address
    parts = urlsplit(address.base)
    if address.socket is not None:
        options |= {"unix": True, "path": address.socket}
    else:
        options |= {
            "host": parts.hostname,
            "port": parts.port or (443 if parts.scheme == "https" else 80),
        }
        if parts.scheme == "https":
            options["server_hostname"] = parts.hostname
    scheme = "wss" if parts.scheme == "https" else "ws"
    # the URI makes Host and request line: those of the visitor, wherever the connection goes
    uri = f"{scheme}://{inbound.head.host.decode()}{inbound.head.target.decode()}"
    return await _Connect(uri, **options)


async def _refuse(visitor: WebSocket, error: InvalidStatus) -> None:
    """Hand on the origin's refusal, where the server can (ASGI's denial response)."""
    if "websocket.http.response" not in visitor.scope.get("extensions", {}):
        await visitor.close(1008)
        return
    response = error.response
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in response.headers.raw_items()
        if name.lower() not in ("connection", "transfer-encoding", "content-length", "upgrade")
    ]
    body = bytes(response.body or b"")
    await visitor.send(
        {
            "type": "websocket.http.response.start",
            "status": response.status_code,
            "headers": headers,
        }
    )
    await visitor.send({"type": "websocket.http.response.body", "body": body})


async def _carry(visitor: WebSocket, origin: ClientConnection) -> None:
    """Both ways at once; whichever side ends first ends the other, with its close code."""
    ways = [
        asyncio.create_task(_inward(visitor, origin)),
        asyncio.create_task(_outward(visitor, origin)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _inward(visitor: WebSocket, origin: ClientConnection) -> None:
    try:
        while True:
            message = await visitor.receive()
            if message["type"] == "websocket.disconnect":
                await origin.close(_sendable(message.get("code")), message.get("reason") or "")
                return
            data = message.get("bytes")
            await origin.send(data if data is not None else message["text"])
    except ConnectionClosed:
        return


async def _outward(visitor: WebSocket, origin: ClientConnection) -> None:
    try:
        async for message in origin:
            if isinstance(message, bytes):
                await visitor.send_bytes(message)
            else:
                await visitor.send_text(message)
    except ConnectionClosed:
        pass  # closed for a reason, which the code below tells
    except (WebSocketDisconnect, RuntimeError):
        return  # the visitor left first
    await visitor.close(_sendable(origin.close_code), origin.close_reason or "")


def _sendable(code: int | None) -> int:
    """Codes that only describe a missing close frame must not be sent (RFC 6455 §7.4.1)."""
    if code == _NO_STATUS:
        return 1000
    return _PEER_FAILED if code is None or code in _NOT_SENDABLE else code


def _response_fields(origin: ClientConnection) -> list[tuple[bytes, bytes]]:
    if origin.response is None:
        return []
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in origin.response.headers.raw_items()
    ]
