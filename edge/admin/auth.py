"""Who may use the admin port."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CLOSED = (
    "The admin API is closed: set TWOPASS_ADMIN_TOKEN for the edge and send it as bearer token.\n"
)
DENIED = "Send the header 'Authorization: Bearer <TWOPASS_ADMIN_TOKEN>'.\n"


class Guard:
    """Lets through `/health`, the right bearer token, and PURGE from a listed address.

    For GET the token may also be a Basic password, so that a browser can show the dashboard. What
    changes something takes no Basic: browsers send it along with forms that others forged.
    Raises ValueError for an address in `purge_from` that is none.
    """

    def __init__(self, app: ASGIApp, token: str, purge_from: Iterable[str]) -> None:
        self._app = app
        self._token = token.encode()
        self._purge_from = tuple(ipaddress.ip_network(item, strict=False) for item in purge_from)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 or 403, or hand on."""
        if scope["type"] == "http":
            refusal = self._refusal(Request(scope))
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._app(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        if request.url.path == "/health":
            return None
        if request.method == "PURGE" and self._may_purge(request):
            return None
        if not self._token:
            return PlainTextResponse(CLOSED, 403)
        if self._has_token(request):
            return None
        challenge = 'Basic realm="twopass"' if request.method == "GET" else "Bearer"
        return PlainTextResponse(DENIED, 401, {"WWW-Authenticate": challenge})

    def _has_token(self, request: Request) -> bool:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic" and request.method == "GET":
            value = _basic_password(value)
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(value.strip().encode(), self._token)

    def _may_purge(self, request: Request) -> bool:
        if request.client is None or not self._purge_from:
            return False
        try:
            address = ipaddress.ip_address(request.client.host)
        except ValueError:
            return False
        return any(address in network for network in self._purge_from)


def _basic_password(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
