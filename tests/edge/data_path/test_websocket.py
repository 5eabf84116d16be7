"""Websockets through the edge, between real servers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from bench import until
from sockets import edge_before
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

closed_with: list[int] = []


async def _echo(socket: WebSocket) -> None:
    if socket.headers.get("cookie") == "sessionid=eve":
        await socket.send_denial_response(PlainTextResponse("not you", status_code=403))
        return
    await socket.accept(subprotocol="chat", headers=[(b"set-cookie", b"seen=1")])
    await socket.send_json(
        {
            "host": socket.headers["host"],
            "cookie": socket.headers.get("cookie"),
            "path": socket.url.path,
            "for": socket.headers.get("x-forwarded-for"),
            "forged": socket.headers.get("twopass-proof"),
        }
    )
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                closed_with.append(message["code"])
                return
            if message.get("text") == "bye":
                await socket.close(4321, "so long")
                return
            data = {"text": message.get("text"), "bytes": message.get("bytes")}
            await socket.send({"type": "websocket.send", **data})
    except WebSocketDisconnect:
        return


async def _no_manifest(_request: object) -> PlainTextResponse:
    return PlainTextResponse("no", status_code=404)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    app = Starlette(routes=[WebSocketRoute("/chat", _echo), Route("/{path:path}", _no_manifest)])
    async with edge_before(app) as (port, _):
        yield port


def _chat(port: int, **options: object) -> connect:
    return connect(
        f"ws://127.0.0.1:{port}/chat?room=1",
        subprotocols=["chat"],  # type: ignore[list-item]
        proxy=None,
        **options,  # type: ignore[arg-type]
    )


async def test_messages_go_both_ways_with_the_visitors_own_head(port: int) -> None:
    headers = {"Cookie": "sessionid=ann; twopass_epoch=x", "TwoPass-Proof": "forged"}
    async with _chat(port, additional_headers=headers) as socket:
        told = json.loads(await socket.recv())
        await socket.send("text")
        await socket.send(b"\x00bytes")

        assert [await socket.recv(), await socket.recv()] == ["text", b"\x00bytes"]
        assert socket.subprotocol == "chat"
        assert socket.response is not None
        assert socket.response.headers["set-cookie"] == "seen=1"
    assert told == {
        "host": f"127.0.0.1:{port}",
        "cookie": "sessionid=ann",
        "path": "/chat",
        "for": "127.0.0.1",
        "forged": None,
    }


async def test_the_origins_close_reaches_the_visitor(port: int) -> None:
    async with _chat(port) as socket:
        await socket.recv()
        await socket.send("bye")
        with pytest.raises(ConnectionClosed):
            await socket.recv()

        assert (socket.close_code, socket.close_reason) == (4321, "so long")


async def test_the_visitors_close_reaches_the_origin(port: int) -> None:
    closed_with.clear()
    async with _chat(port) as socket:
        await socket.recv()
        await socket.close(4000, "enough")

    await until(lambda: closed_with == [4000])


async def test_the_origins_refusal_is_the_visitors_answer(port: int) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with _chat(port, additional_headers={"Cookie": "sessionid=eve"}):
            pass

    assert refused.value.response.status_code == 403
    assert refused.value.response.body == b"not you"


async def test_an_origin_that_is_not_there_closes_the_socket() -> None:
    async with edge_before(Starlette(), origin="http://127.0.0.1:9") as (port, _):
        with pytest.raises((ConnectionClosed, InvalidStatus)):
            async with _chat(port) as socket:
                await socket.recv()
